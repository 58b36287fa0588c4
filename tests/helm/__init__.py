"""The Helm chart: what is made of the registry and of values.yaml, and what the templates come to."""
