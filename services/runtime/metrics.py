"""The numbers that every fold shows. Names follow Prometheus: base units, `_total` for what only grows."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from services.runtime.delays import Delays

FOLDING = CollectorRegistry()

FOLDED = Counter("switchboard_folded_total", "Records folded", ["fold"], registry=FOLDING)
EMITTED = Counter("switchboard_emitted_total", "Derived events written", ["fold", "topic"], registry=FOLDING)
DEAD = Counter(
    "switchboard_dead_letters_total",
    "Records that could not be decoded or folded",
    ["fold", "reason"],
    registry=FOLDING,
)
UNATTRIBUTED = Counter(
    "switchboard_unattributed_letters_total",
    "Dead letters that may have been a person's word, and say not whose: nobody is held for them",
    ["fold"],
    registry=FOLDING,
)
DROPPED = Counter(
    "switchboard_unflushed_dropped_total",
    "Records dropped at a revocation; their next owner folds them",
    ["fold"],
    registry=FOLDING,
)
FLUSH_SECONDS = Histogram(
    "switchboard_flush_seconds", "What a flush comes to, written: transaction and local write", ["fold"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10), registry=FOLDING
)  # fmt: skip
FOLD_SECONDS = Histogram(
    "switchboard_fold_seconds", "A batch folded in memory, before anything is written", ["fold"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5), registry=FOLDING
)  # fmt: skip
_WAITS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600)
FOLD_DELAY = Delays(
    "switchboard_fold_delay_seconds", "Record on the log to folded and written; of every record", _WAITS, FOLDING
)
DERIVED_SECONDS = Delays(
    "switchboard_webhook_to_derived_seconds",
    "Webhook received to what follows from it written, the time in the spool too; what is replayed is as old as it is",
    _WAITS,
    FOLDING,
)
OWNED = Gauge("switchboard_partitions_owned", "Partitions this worker folds", ["fold"], registry=FOLDING)
RESTORED = Counter(
    "switchboard_restored_records_total",
    "Changelog records read into tables: own ones, and those of a standby",
    ["kind"],
    registry=FOLDING,
)
RESTORE_REMAINING = Gauge(
    "switchboard_restore_remaining_records",
    "Changelog records still to be read before ready",
    ["app"],
    registry=FOLDING,
)
