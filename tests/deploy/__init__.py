"""`make deploy-check`: what is in deploy/, with the real helm, on the real control plane."""
