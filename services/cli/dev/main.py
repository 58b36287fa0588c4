"""`switchboard dev`: a Kafka, all services and a Twilio in one terminal, with a live log, until Ctrl-C."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.text import Text

from services.cli.console import make_console
from services.cli.dev import settings as dev_settings
from services.cli.dev.files import Files
from services.cli.dev.follow import Once, follow_files, follow_topics
from services.cli.dev.hints import tell_hints
from services.cli.dev.polling import poll
from services.cli.refused import IN_THE_WAY
from services.embedded import ports
from services.embedded.errors import EmbeddedKafkaError
from services.local.errors import LocalError
from services.local.layout import refuse_taken
from services.local.running import arm_signals, undisturbed
from services.local.show import Show
from services.local.stack import SERVICES, Stack, prepare_environment
from services.runtime.config import Settings
from services.runtime.section import ConfigError
from services.simulator.accounts import accounts_of

_LOOK_S = 0.5


def dev(
    twilio: Annotated[
        Literal["simulated", "real"], typer.Option(help="Whom the sender calls; real messages are sent and cost money.")
    ] = "simulated",
    public_url: Annotated[
        str | None,
        typer.Option(help="Where Twilio reaches this machine, such as a tunnel's URL. Without it Twilio is polled."),
    ] = None,
) -> None:
    """Run all of it in this terminal, with a live log: Kafka, topics, services, and a simulated Twilio.

    The settings are those of --config, else of ./switchboard.yaml, which is written if there is none. What changes in
    them is taken up at once. Data stays in .switchboard beside the settings.
    """
    console = make_console()
    # What it has to say of a broker that comes or goes is told by the services; errors that matter are raised.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    arm_signals()
    try:
        _run(console, twilio == "real", public_url)
    except (LocalError, EmbeddedKafkaError, ConfigError) as error:
        console.print(Text(str(error), "red"), soft_wrap=True)
        raise typer.Exit(IN_THE_WAY) from None
    except KeyboardInterrupt:
        # It is how this ends.
        console.print("Stopped; nothing is left running. The data stays, for the next time.")


def _run(console: Console, real: bool, public_url: str | None) -> None:
    prepare_environment()
    told = dev_settings.steer(real, public_url)
    file, written = dev_settings.find(real)
    with dev_settings.alone(file):
        _run_alone(console, real, file, written, told)


def _run_alone(console: Console, real: bool, file: Path, written: bool, told: Mapping[str, str]) -> None:
    settings = dev_settings.read(real)
    layout = dev_settings.layout_of(settings, file)
    names = tuple(name for name in SERVICES if not (real and name == "simulator"))
    refuse_taken({name: port for name, port in layout.ports.items() if name.partition("-")[0] in names})
    for name in names:
        layout.folder.mkdir(parents=True, exist_ok=True)
        layout.log(name).unlink(missing_ok=True)
    with undisturbed(Stack(layout, settings, None, names, own_kafka=not _kafka_answers(settings))) as stack:
        with Show(console) as show:
            show.say(f"settings: {file}" + (", written just now" if written else ""))
            stack.start(show)
        live = _Live(console, stack, {name: layout.log(name) for name in names}, settings)
        asyncio.run(live.until_stopped(file, partial(tell_hints, console, settings, told)))


class _Live:
    """What goes on while all of it is up."""

    def __init__(self, console: Console, stack: Stack, logs: Mapping[str, Path], settings: Settings) -> None:
        self._console = console
        self._stack = stack
        self._logs = logs
        self._settings = settings
        self._once = Once()

    async def until_stopped(self, file: Path, begun: Callable[[], None]) -> None:
        """Tell what happens, and take up what changes. Raises LocalError if a service ends by itself."""
        work: list[Coroutine[Any, Any, None]] = [
            follow_topics(self._settings.kafka, self._say, begun),
            follow_files(self._logs, self._warn),
            self._watch(Files(file)),
        ]
        if self._settings.twilio.polled:
            work.append(poll(self._settings, self._say))
        try:
            async with asyncio.TaskGroup() as group:
                for one in work:
                    group.create_task(one)
        except* (LocalError, ConfigError) as errors:
            raise errors.exceptions[0] from None

    async def _watch(self, files: Files) -> None:
        while True:
            await asyncio.sleep(_LOOK_S)
            if changed := files.changed():
                await self._take_up(changed)
            else:
                self._stack.check()

    async def _take_up(self, changed: Path) -> None:
        try:
            settings = dev_settings.read("simulator" not in self._logs)
            if settings.kafka.partitions != (had := self._settings.kafka.partitions):
                raise LocalError(f"kafka.partitions never changes once the topics are there; put {had} back")
        except (ConfigError, LocalError) as error:
            # The services say so too.
            self._once.is_new(str(error))
            self._say(f"{changed.name} has changed and cannot be used, so nothing is changed: {error}")
            return
        tenants_alone = settings.model_copy(update={"tenants": self._settings.tenants}) == self._settings
        other_accounts = _accounts_differ(self._settings, settings)
        self._settings = settings
        if tenants_alone:
            # The services read them again by themselves. So does the simulator, but for an account that it has.
            self._say(f"{changed.name} has changed, of the tenants alone: the services take it up within seconds")
            names = [name for name in self._logs if name == "simulator" and other_accounts]
        else:
            self._say(f"{changed.name} has changed: the services start anew")
            names = list(self._logs)
        if names:
            await self._restart(names)

    async def _restart(self, names: list[str]) -> None:
        began = time.monotonic()
        await asyncio.to_thread(self._stack.restart, names)
        forgot = "; the simulated Twilio has forgotten its templates, messages and opt-outs" * ("simulator" in names)
        self._say(f"{', '.join(names)} started anew within {time.monotonic() - began:.1f} s{forgot}")

    def _warn(self, name: str, text: str) -> None:
        if self._once.is_new(text):
            self._say(f"{name}: {text}")

    def _say(self, line: str) -> None:
        self._console.print(Text(line), soft_wrap=True)


def _accounts_differ(before: Settings, after: Settings) -> bool:
    """Whether an account of before is another one now, by its secrets or its senders, or is there no more."""
    now = accounts_of(after.tenants)
    return any(now.get(sid) != account for sid, account in accounts_of(before.tenants).items())


def _kafka_answers(settings: Settings) -> bool:
    """Whether somebody else's Kafka is to be used: one elsewhere, or one that answers here already."""
    host, _, port = settings.kafka.bootstrap.partition(",")[0].rpartition(":")
    return host not in (ports.HOST, "localhost") or ports.broker_answers(int(port))
