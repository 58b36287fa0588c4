"""Which commands there are. Each is imported when it is named: all of them together take seconds of every start."""

import copy
from collections import UserDict
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

# Where each is, as `module:attribute`: a function, or a Typer that holds several. Help lists them in this order.
PLACES: Mapping[str, str] = {
    "ambiguous": "services.cli.ambiguous:app",
    "config": "services.cli.config:app",
    "consent": "services.cli.consent_import.main:app",
    "dead": "services.cli.dead.main:app",
    "senders": "services.cli.senders.main:app",
    "token": "services.cli.token:app",
    "services": "services.cli.services:app",
    "topics": "services.cli.topics:app",
    "webhooks": "services.cli.webhooks:app",
    "trace": "services.cli.trace:trace",
    "why": "services.cli.why:why",
    "contact": "services.cli.contact:contact",
    "explain": "services.cli.explain:explain_codes",
    "pause": "services.cli.pause:pause",
    "resume": "services.cli.pause:resume",
    "cancel": "services.cli.cancel:cancel",
    "check": "services.cli.check:check",
    "health": "services.cli.health:health",
    "doctor": "services.cli.doctor:doctor",
    "demo": "services.cli.demo.main:demo",
    "dev": "services.cli.dev.main:dev",
    "backfill": "services.cli.backfill.main:backfill",
    "replay": "services.cli.replay.main:replay",
    "rebuild": "services.cli.rebuild.main:rebuild",
    "ingress": "services.cli.serve.ingress:ingress",
    "processor": "services.cli.serve.processor:processor",
    "sender": "services.cli.serve.sender:sender",
    "simulator": "services.cli.serve.simulator:simulator",
}


class Commands(TyperGroup):
    """A group whose commands are made when they are looked up, each with the `--config` that the group has."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        option = copy.copy(next(one for one in self.params if "--config" in one.opts))
        option.expose_value = False
        self.commands = _Imported(option)


class _Imported(UserDict[str, Any]):
    """The commands by name; until one is looked up, its place."""

    def __init__(self, option: Any) -> None:
        super().__init__(PLACES)
        self._option = option

    def __getitem__(self, name: str) -> Any:
        if isinstance(self.data[name], str):
            self.data[name] = _made(name, self.data[name])
            _give(self.data[name], self._option)
        return self.data[name]


def _made(name: str, place: str) -> Any:
    module, _, attribute = place.partition(":")
    found = getattr(import_module(module), attribute)
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
