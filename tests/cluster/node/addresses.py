"""The addresses inside a box. Every box has the same ones, and none sees another's."""

# On the box's lo. An address of 127/8 cannot be a Service's endpoint, and this one nobody routes.
NODE_ADDRESS = "10.255.0.1"
POD_NETWORK = "10.244.0.0/24"
SERVICE_NETWORK = "10.0.0.0/24"
API_ADDRESS = "10.0.0.1"
DNS_ADDRESS = "10.0.0.10"
REGISTRY = "127.0.0.1:5000"
