"""Our delivery fold by the real adapter, as a program: `BOOTSTRAP APP_ID DATA_DIR PARTITIONS`."""

import sys
from pathlib import Path

from services.contract.fold import FoldContract
from services.contract.messages import DELIVERY, OUTCOMES, SENT, STATUS
from services.domain.messages import delivery, ladder
from services.runtime import logs, process
from services.runtime.folding.app import fold_app
from services.runtime.folding.fold import Fold, Step, Table
from services.runtime.folding.lifetime import run_app
from services.runtime.sections.kafka import KafkaSettings
from services.runtime.sections.worker import WorkerSettings

# The delivery fold alone, as its rivals have it: the product counts deliverability beside it.
_FOLD = Fold(
    FoldContract("bench", "delivery", (STATUS, SENT), ("delivery",), (DELIVERY, OUTCOMES)),
    (Step(delivery.fold, Table("delivery", ladder.Delivery, lambda event: event.message_sid)),),
)


def main(bootstrap: str, app_id: str, data_dir: str, partitions: str) -> int:
    """Fold until told to stop."""
    logs.configure("bench", "WARNING")
    kafka = KafkaSettings(bootstrap=bootstrap, partitions=int(partitions), replication=1, min_insync_replicas=1)
    worker = WorkerSettings(data_dir=Path(data_dir))
    return process.run(lambda stop: run_app(fold_app(app_id, [_FOLD], kafka, worker), stop))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
