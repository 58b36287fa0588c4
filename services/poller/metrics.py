"""The poller's own registry; each metric stands in the module that counts."""

from prometheus_client import CollectorRegistry

POLLER = CollectorRegistry()
