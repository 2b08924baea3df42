"""The image of the service, built with what this machine has, and what is in it."""
