"""The sender's own registry; each metric stands in the module that counts."""

from prometheus_client import CollectorRegistry

SENDER = CollectorRegistry()
