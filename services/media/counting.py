"""The worker's own registry and metrics."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

MEDIA = CollectorRegistry()

COPIES = Counter(
    "switchboard_media_copies_total",
    "Files that people sent, by what became of them: stored, refused, infected, gone, deleted (at Twilio)",
    ["tenant", "outcome"],
    registry=MEDIA,
)
BYTES = Counter("switchboard_media_stored_bytes_total", "Their bytes that were stored", ["tenant"], registry=MEDIA)
FAILED = Counter(
    "switchboard_media_copies_failed_total",
    "Tries that came to nothing, and are made again, by who was away: twilio, storage, scanner, refused (Twilio gives "
    "it to these credentials not), other",
    ["tenant", "why"],
    registry=MEDIA,
)
OLDEST = Gauge(
    "switchboard_media_oldest_seconds",
    "How long the oldest message waits whose media are not copied, of the partitions owned",
    registry=MEDIA,
)
COPY_SECONDS = Histogram(
    "switchboard_media_copy_seconds",
    "One medium, from Twilio to the storage",
    buckets=(0.1, 0.5, 1, 2.5, 5, 10, 30, 60),
    registry=MEDIA,
)
