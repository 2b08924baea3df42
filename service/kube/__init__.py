"""Speaking to the kube-apiserver: credentials, connections, deadlines."""
