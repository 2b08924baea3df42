"""Tests of service/api, against an upstream of ours on a real socket."""
