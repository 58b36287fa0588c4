"""What ingress counts. Label values are ours or the settings', never a caller's."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

INGRESS = CollectorRegistry()

FACTS = Counter("switchboard_ingress_facts_total", "Webhooks made durable", ["tenant", "kind"], registry=INGRESS)
REJECTED = Counter("switchboard_ingress_rejected_total", "Webhooks refused", ["reason"], registry=INGRESS)
UNKNOWN_PARAMETERS = Counter(
    "switchboard_ingress_unknown_parameters_total",
    "Parameters of signed messages that are in no list of Twilio's",
    registry=INGRESS,
)
STRANGE_CALLBACKS = Counter(
    "switchboard_ingress_strange_callbacks_total",
    "Statuses taken whose URL names a command, signed by none of its callback keys: one went too early",
    ["tenant"],
    registry=INGRESS,
)
UNDECIDED = Counter(
    "switchboard_ingress_undecided_total",
    "Webhooks answered without the service that should have been asked, by why: late or failed",
    ["kind", "why"],
    registry=INGRESS,
)
SECONDS = Histogram(
    "switchboard_ingress_seconds",
    "Webhook to acknowledgement",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15),
    registry=INGRESS,
)
PRODUCE_SECONDS = Histogram(
    "switchboard_ingress_produce_seconds",
    "One write to Kafka, of all that had gathered, to its acknowledgement by all in-sync replicas",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
    registry=INGRESS,
)
SPOOLED = Counter("switchboard_ingress_spooled_total", "Facts written to the spool", registry=INGRESS)
DRAINED = Counter("switchboard_ingress_drained_total", "Facts that went from the spool to Kafka", registry=INGRESS)
CORRUPT = Counter("switchboard_ingress_spool_corrupt_total", "Damaged spool lines, set aside", registry=INGRESS)
REFUSED = Counter(
    "switchboard_ingress_spool_refused_total",
    "Spooled facts that the broker will not take, set aside",
    registry=INGRESS,
)
SPOOL_BYTES = Gauge("switchboard_ingress_spool_bytes", "What waits in the spool", registry=INGRESS)
HELD_BYTES = Gauge(
    "switchboard_ingress_held_bytes",
    "Facts set aside, for they are not keyed by the contact_secret that the log knows of their tenant",
    registry=INGRESS,
)
SPOOL_AGE = Gauge(
    "switchboard_ingress_spool_oldest_seconds", "How long the oldest spooled fact has waited", registry=INGRESS
)
KAFKA_UP = Gauge("switchboard_ingress_kafka_up", "1: facts go straight to Kafka; 0: to the spool", registry=INGRESS)
