"""One service as a process of its own, without the command line: `python -m tests.sender.process sender`.

`SWITCHBOARD_FREEZE=name` freezes the process at its first pass of an attempt's failpoint, as SIGSTOP does, where the
product's own `SWITCHBOARD_FAILPOINT` can only kill.
"""

import asyncio
import os
import signal
import sys

from services.runtime import logs
from services.runtime.config import Settings, load
from services.runtime.process import run
from services.sender import attempt, main
from services.simulator import app as simulator


async def simulate(settings: Settings, stop: asyncio.Event) -> None:
    async with simulator.serve(settings):
        await stop.wait()


def freeze_at(name: str) -> None:
    pass_on, frozen = attempt.reach, []

    def reach(passed: str) -> None:
        pass_on(passed)
        if passed == name and not frozen:
            frozen.append(name)
            os.kill(os.getpid(), signal.SIGSTOP)

    attempt.reach = reach


if __name__ == "__main__":
    service = sys.argv[1]
    logs.configure(service, "INFO")
    freeze_at(os.environ.get("SWITCHBOARD_FREEZE", ""))
    settings = load()
    started = {"sender": main.run, "simulator": simulate}[service]
    sys.exit(run(lambda stop: started(settings, stop)))
