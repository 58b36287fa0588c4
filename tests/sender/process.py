"""One service as a process of its own, without the command line: `python -m tests.sender.process sender`.

`TEST_FREEZE=name` freezes the process at its first pass of an attempt's failpoint, as SIGSTOP does, where the
product's own failpoints can only kill. `TEST_MEDIA=file`: each name of a host of media is this
machine, whose certificate in the file is believed; addresses are judged as ever. `TEST_LOOKS_S=0.5,1`: what has no
known end is looked for after so many seconds.

What the product waits by the clock before it tries again is short here: an account's pause after calls that led to
nothing, the longest wait of a command that was refused for now, and the next look at a medium or a message that may
come. How long they are is asked of their own tests.
"""

import asyncio
import os
import signal
import ssl
import sys
from functools import partial

from services.runtime import failpoints, logs
from services.runtime.config import Settings, load
from services.runtime.process import run
from services.runtime.strangers import Strangers
from services.runtime.tenants.live import Tenants
from services.runtime.tenants.opening import tenants_of
from services.sender import account, attempt, finder, looking, looks, main
from services.sender.breaker import Breaker
from services.sender.followups import calls
from services.simulator import app as simulator
from tests import failpoint
from tests.media_host import here


async def simulate(settings: Settings, tenants: Tenants, stop: asyncio.Event) -> None:
    async with simulator.serve(settings, tenants):
        await stop.wait()


def freeze_at(name: str) -> None:
    frozen: list[str] = []

    def reach(passed: str) -> None:
        failpoints.reach(passed)
        if passed == name and not frozen:
            frozen.append(name)
            os.kill(os.getpid(), signal.SIGSTOP)

    setattr(attempt, "reach", reach)  # noqa: B010 - it is imported there, not defined


def media_here(certificate: str) -> None:
    if certificate:
        tls = ssl.create_default_context(cafile=certificate)
        setattr(looking, "Strangers", partial(Strangers, where=here(), tls=tls))  # noqa: B010


def look_after(seconds: str) -> None:
    if seconds:
        setattr(finder, "_LOOKS_S", tuple(map(float, seconds.split(","))))  # noqa: B010


def impatient() -> None:
    setattr(account, "Breaker", partial(Breaker, pause_s=0.5, longest_s=1.0))  # noqa: B010
    setattr(looks, "_AGAIN_S", 1.0)  # noqa: B010
    setattr(attempt, "_LONGEST_BACKOFF_S", 2.0)  # noqa: B010
    setattr(calls, "_NOT_CREATED_S", 1.0)  # noqa: B010


if __name__ == "__main__":
    service = sys.argv[1]
    logs.configure(service, "INFO")
    failpoint.arm()
    freeze_at(os.environ.get("TEST_FREEZE", ""))
    media_here(os.environ.get("TEST_MEDIA", ""))
    impatient()
    look_after(os.environ.get("TEST_LOOKS_S", ""))
    settings = load()
    started = {"sender": main.run, "simulator": simulate}[service]
    sys.exit(run(lambda stop: started(settings, tenants_of(settings), stop)))
