"""What only a real apiserver can show: its credentials, its protobuf, its size."""
