"""The numbers that every fold shows. Names follow Prometheus: base units, `_total` for what only grows."""

from prometheus_client import Counter, Gauge, Histogram

FOLDED = Counter("switchboard_folded_total", "Records folded", ["fold"])
EMITTED = Counter("switchboard_emitted_total", "Derived events written", ["fold", "topic"])
DEAD = Counter("switchboard_dead_letters_total", "Records that could not be decoded or folded", ["fold", "reason"])
DROPPED = Counter(
    "switchboard_unflushed_dropped_total", "Records dropped at a revocation; their next owner folds them", ["fold"]
)
FLUSH_SECONDS = Histogram(
    "switchboard_flush_seconds", "One flush: fold, transaction, local write", ["fold"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)  # fmt: skip
OWNED = Gauge("switchboard_partitions_owned", "Partitions this worker folds", ["fold"])
RESTORED = Counter(
    "switchboard_restored_records_total",
    "Changelog records read into tables: own ones, and those of a standby",
    ["kind"],
)
RESTORE_REMAINING = Gauge("switchboard_restore_remaining_records", "Changelog records still to be read before ready")
