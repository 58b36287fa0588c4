"""How a service's process begins and ends: uvloop, signals, exit codes, errors that a person can act on."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable

import uvloop
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    InvalidTxnState,
    KafkaConnectionError,
    KafkaError,
    ProducerFenced,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
)

from services.contract.codec import NewerFormat
from services.runtime.http import PortTaken
from services.runtime.kafka import trouble
from services.runtime.section import ConfigError

_log = logging.getLogger(__name__)

_FORBIDDEN = (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
)


def _nothing() -> None:
    """Whoever reads nothing again has nothing to do."""


def run(main: Callable[[asyncio.Event], Awaitable[None]], again: Callable[[], None] = _nothing) -> int:
    """Run `main` until it returns; SIGINT and SIGTERM set the event that it is given, SIGHUP calls `again`.

    Returns 0. Otherwise the process ends here, with 2 for what the operator can mend (a sentence on stderr), 1 for a
    defect or a fence (logged): what failed may have left threads and tasks that wait for ever, and only a process that
    has ended is started again.
    """
    # Not a context manager: its exit would wait for what does not end.
    runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
    code = _run(runner, main, again)
    if code:
        logging.shutdown()
        sys.stderr.flush()
        os._exit(code)
    runner.close()
    return code


def _run(runner: asyncio.Runner, main: Callable[[asyncio.Event], Awaitable[None]], again: Callable[[], None]) -> int:
    try:
        runner.run(_until_signalled(main, again))
    except (ConfigError, NewerFormat, PortTaken) as error:
        return _refuse(str(error))
    except KafkaConnectionError as error:
        return _refuse(f"cannot reach Kafka: {trouble(error)}; check kafka.bootstrap and that the broker is up")
    except (ProducerFenced, InvalidTxnState):
        # The fence did what it is for: nothing was written after the other one took over.
        _log.error(
            "another worker took this one's partitions: it was frozen or cut off for too long, or another has its "
            "instance_id; start it again"
        )
        return 1
    except _FORBIDDEN as error:
        return _refuse(
            f"Kafka does not permit it ({trouble(error)}); grant kafka.sasl_username what it names, by Kafka's ACLs"
        )
    except KafkaError as error:
        _log.error("Kafka failed us: %r; nothing is lost, start it again", error)
        return 1
    except (Exception, asyncio.CancelledError):
        _log.exception("stopped by an error that should not happen")
        return 1
    return 0


async def _until_signalled(main: Callable[[asyncio.Event], Awaitable[None]], again: Callable[[], None]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    loop.add_signal_handler(signal.SIGHUP, again)
    await main(stop)


def _refuse(sentence: str) -> int:
    sys.stderr.write(f"{sentence}\n")
    return 2
