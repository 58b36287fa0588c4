"""Our delivery fold by the real adapter, as a program: `BOOTSTRAP APP_ID DATA_DIR PARTITIONS`."""

import sys
from pathlib import Path

from services.processor.topology import DELIVERY
from services.runtime import logs, process
from services.runtime.config import KafkaSettings, WorkerSettings
from services.runtime.folding.app import fold_app, run_app


def main(bootstrap: str, app_id: str, data_dir: str, partitions: str) -> int:
    """Fold until told to stop."""
    logs.configure("bench", "WARNING")
    kafka = KafkaSettings(bootstrap=bootstrap, partitions=int(partitions), replication=1, min_insync_replicas=1)
    worker = WorkerSettings(data_dir=Path(data_dir))
    return process.run(lambda stop: run_app(fold_app(app_id, [DELIVERY], kafka, worker), stop))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
