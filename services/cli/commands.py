"""Which commands there are. Each is imported when it is named: all of them together take seconds of every start."""

import copy
import gc
from collections import UserDict
from collections.abc import Mapping
from importlib import import_module
from typing import Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup

from services.cli.refused import IN_THE_WAY
from services.runtime.section import ConfigError


class Place(NamedTuple):
    """Where a command is, as `module:attribute`: a function, or a Typer that holds several. `does`: its first line.

    The line stands here too, so that the list of all commands imports none of them.
    """

    at: str
    does: str


# Help lists them in this order.
PLACES: Mapping[str, Place] = {
    "ambiguous": Place("services.cli.ambiguous:app", "Commands whose end is not known: list, show, resolve."),
    "compliance": Place(
        "services.cli.compliance:app", "Registrations with US carriers: read Twilio's lists to the log, show them."
    ),
    "config": Place("services.cli.config:app", "Look at the settings."),
    "consent": Place("services.cli.consent:app", "Consent that is recorded elsewhere."),
    "costs": Place(
        "services.cli.costs:costs",
        "Sum what Twilio charged for messages sent in a time; default: the last 24 hours. Exit code 1: there is none.",
    ),
    "dead": Place("services.cli.dead.main:app", "What could not be folded: list, show, retry, drop, release."),
    "keywords": Place("services.cli.keywords:app", "Rules for what people write."),
    "tickets": Place("services.cli.tickets:app", "Tickets that were given up: list, retry."),
    "prices": Place("services.cli.prices:app", "The price list: read Twilio's to the log, list it, show a country."),
    "senders": Place("services.cli.senders:app", "Know which sender is in which Messaging Service."),
    "templates": Place(
        "services.cli.templates:app", "Content templates: read Twilio's list to the log, list them, show one."
    ),
    "token": Place("services.cli.token:app", "Tokens of the query API."),
    "services": Place("services.cli.services:app", "Make Twilio's Messaging Services from a file."),
    "studio": Place(
        "services.cli.studio:app",
        "Keep Studio's flows as files, publish them, hear what people say in them.",
    ),
    "topics": Place("services.cli.topics:app", "Plan and apply the topics at the broker."),
    "webhooks": Place("services.cli.webhooks:app", "Lead Twilio's webhooks to public_url."),
    "trace": Place(
        "services.cli.trace:trace",
        "Show a message or a command: its steps, in order. Addresses are masked. Exit 1 when nothing is known.",
    ),
    "why": Place(
        "services.cli.why:why",
        "Show what the gate saw when it decided, and judge again by it. Exit 1 when the verdict differs.",
    ),
    "contact": Place(
        "services.cli.contact:contact",
        "Show a contact: opt-outs, consent with its evidence, windows, failures, last messages. Exit 1: not known.",
    ),
    "explain": Place(
        "services.cli.explain:explain_codes",
        "Say what error codes mean and what to do. Exit 1 when none of them is known.",
    ),
    "preview": Place(
        "services.cli.preview:preview",
        "Say what would become of a send command, or all that is wrong with it (exit 1). Nothing is produced.",
    ),
    "pause": Place(
        "services.cli.pause:pause",
        "Send nothing of a tenant, a sender or a label, or nothing at all, until it is resumed; within a second.",
    ),
    "resume": Place("services.cli.pause:resume", "End the pause of this very scope; what it held goes on in order."),
    "cancel": Place(
        "services.cli.cancel:cancel",
        "Cancel a command. Its result says whether it came in time: canceled, cancel_remembered or cancel_too_late.",
    ),
    "reschedule": Place(
        "services.cli.following:reschedule",
        "Have a command that still waits go at another time. Its result says: rescheduled or reschedule_refused.",
    ),
    "feedback": Place(
        "services.cli.following:feedback",
        "Tell Twilio whether a message worked. The command must have had provide_feedback.",
    ),
    "redact": Place(
        "services.cli.following:redact",
        "Empty the text of a command's message at Twilio, once the message has ended.",
    ),
    "delete": Place(
        "services.cli.following:delete",
        "Delete a command's message at Twilio, with its media, once it has ended.",
    ),
    "check": Place(
        "services.cli.check:check",
        "Check the published promises one by one. Exit 0: all held; 1: something is broken; 2: it cannot be read.",
    ),
    "health": Place(
        "services.cli.health:health",
        "Ask the service's /readyz. Exit code 0: it can work, maybe degraded; 1: it cannot, or nobody answers.",
    ),
    "doctor": Place(
        "services.cli.doctor:doctor",
        "Look at everything that this rests on, and name each fault with its remedy. Changes nothing.",
    ),
    "demo": Place(
        "services.cli.demo.main:demo",
        "Run the whole system on this machine: a Kafka, a Twilio, every service, and a story through them.",
    ),
    "dev": Place(
        "services.cli.dev.main:dev",
        "Run all of it in this terminal, with a live log: Kafka, topics, services, and a simulated Twilio.",
    ),
    "backfill": Place(
        "services.cli.backfill:backfill",
        "Find what Twilio has of a time range and the log lacks; with --apply, inject it. Default: the last 24 h.",
    ),
    "replay": Place(
        "services.cli.replay:replay",
        "Write raw facts to their topics once more: same key, bytes and headers, so the same facts with the same ids.",
    ),
    "rebuild": Place(
        "services.cli.rebuild:rebuild",
        "Fold a table again from the log, beside the live one, and compare; with --apply, publish what differs.",
    ),
    "ingress": Place(
        "services.cli.serve.ingress:ingress", "Take Twilio's webhooks in: verify, write to the log, acknowledge."
    ),
    "processor": Place(
        "services.cli.serve.processor:processor",
        "Fold the log into tables and derived topics, and answer questions about them.",
    ),
    "sender": Place("services.cli.serve.sender:sender", "Turn commands into Twilio calls, at most once."),
    "poller": Place(
        "services.cli.serve.poller:poller",
        "Read Twilio where it does not tell: callbacks that never came, its lists, and once a day all messages.",
    ),
    "media": Place("services.cli.serve.media:media", "Copy the files that people send to object storage."),
    "simulator": Place(
        "services.cli.serve.simulator:simulator", "Run a Twilio on loopback: REST, signed webhooks, faults."
    ),
}

# As a shell has it for Ctrl-C.
_INTERRUPTED = 130


class Commands(TyperGroup):
    """A group whose commands are made when they are looked up, each with the `--config` that the group has."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        option = copy.copy(next(one for one in self.params if "--config" in one.opts))
        option.expose_value = False
        self.commands = _Imported(option)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """The list of all, by what PLACES says of each."""
        whole = self.commands
        self.commands = {name: TyperCommand(name, help=place.does) for name, place in PLACES.items()}
        try:
            super().format_help(ctx, formatter)
        finally:
            self.commands = whole

    def invoke(self, ctx: Any) -> Any:
        """What is in the way of a command is a sentence, and one exit code, whichever command it is."""
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(IN_THE_WAY) from None


class _Imported(UserDict[str, Any]):
    """The commands by name; until one is looked up, its place."""

    def __init__(self, option: Any) -> None:
        super().__init__(PLACES)
        self._option = option

    def __getitem__(self, name: str) -> Any:
        if isinstance(self.data[name], Place):
            self.data[name] = _made(name, self.data[name].at)
            _give(self.data[name], self._option)
        return self.data[name]


def _made(name: str, place: str) -> Any:
    module, _, attribute = place.partition(":")
    # What is imported stays. To look for garbage among it, again and again, was a fifth of a start.
    gc.disable()
    try:
        found = getattr(import_module(module), attribute)
    except KeyboardInterrupt:
        typer.echo("Stopped before anything began.", err=True)
        raise typer.Exit(_INTERRUPTED) from None
    finally:
        gc.enable()
    if isinstance(found, typer.Typer):
        group = typer.main.get_group(found)
        group.name = name
        return group
    alone = typer.Typer(add_completion=False)
    alone.command(name)(found)
    return typer.main.get_command(alone)


def _give(command: Any, option: Any) -> None:
    command.params.append(option)
    for one in getattr(command, "commands", {}).values():
        _give(one, option)
