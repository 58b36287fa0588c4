"""What ingress counts. Label values are ours or the settings', never a caller's."""

from prometheus_client import Counter, Gauge, Histogram

FACTS = Counter("switchboard_ingress_facts_total", "Webhooks made durable", ["tenant", "kind"])
REJECTED = Counter("switchboard_ingress_rejected_total", "Webhooks refused", ["reason"])
SECONDS = Histogram(
    "switchboard_ingress_seconds",
    "Webhook to acknowledgement",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15),
)
SPOOLED = Counter("switchboard_ingress_spooled_total", "Facts written to the spool")
DRAINED = Counter("switchboard_ingress_drained_total", "Facts that went from the spool to Kafka")
CORRUPT = Counter("switchboard_ingress_spool_corrupt_total", "Damaged spool lines, set aside")
REFUSED = Counter("switchboard_ingress_spool_refused_total", "Spooled facts that the broker will not take, set aside")
SPOOL_BYTES = Gauge("switchboard_ingress_spool_bytes", "What waits in the spool")
SPOOL_AGE = Gauge("switchboard_ingress_spool_oldest_seconds", "How long the oldest spooled fact has waited")
KAFKA_UP = Gauge("switchboard_ingress_kafka_up", "1: facts go straight to Kafka; 0: to the spool")
