"""A service that tells which of our files it executes: `SERVICE`, with SIGUSR1 to begin and SIGUSR2 to tell.

What is told is a line each on stderr, in the order in which files were first entered.
"""

import signal
import sys
import threading
from pathlib import Path
from types import CodeType, FrameType

import services
from services.cli.main import main

_OURS = str(Path(services.__file__).parent)
_seen: dict[CodeType, None] = {}


def _entered(frame: FrameType, event: str, _: object) -> None:
    if event == "call" and frame.f_code not in _seen and frame.f_code.co_filename.startswith(_OURS):
        _seen[frame.f_code] = None


def _begin(*_: object) -> None:
    _seen.clear()
    threading.setprofile(_entered)
    sys.setprofile(_entered)


def _tell(*_: object) -> None:
    sys.setprofile(None)
    for code in _seen:
        where = Path(code.co_filename).relative_to(_OURS)
        sys.stderr.write(f"entered {where} {code.co_qualname}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, _begin)
    signal.signal(signal.SIGUSR2, _tell)
    main()
