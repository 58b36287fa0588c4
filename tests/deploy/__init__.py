"""deploy/: Switchboard without Kubernetes."""
