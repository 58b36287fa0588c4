"""Where tests keep their files: in memory where there is room for them.

RocksDB and Kafka wait for the disk with each file that they make, and tests make tens of thousands. What a test kills
is a process: of what that has written nothing is lost, on disk or in memory.
"""

import os
import shutil
import tempfile
from pathlib import Path

_IN_MEMORY = Path("/dev/shm")
# Brokers and stores of a worker take some hundred MB. In a container there are often 64 in all.
_ROOM_BYTES = 4 * 1024**3


def choose() -> None:
    """For this process and those that it starts, unless somebody has named a folder."""
    if "TMPDIR" not in os.environ and _fits():
        os.environ["TMPDIR"] = str(_IN_MEMORY)
        tempfile.tempdir = None


def _fits() -> bool:
    """Whether it is there, takes what tests write, and lets programs be started that lie there."""
    if not os.access(_IN_MEMORY, os.W_OK) or os.statvfs(_IN_MEMORY).f_flag & os.ST_NOEXEC:
        return False
    return shutil.disk_usage(_IN_MEMORY).free > _ROOM_BYTES
