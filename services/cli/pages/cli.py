"""docs/cli.md, from the commands."""

import inspect
import re
from collections.abc import Iterator
from typing import Any

import typer
from typer.core import TyperArgument, TyperGroup

from services.cli.main import app

_HEAD = """# The command line

For whoever types `switchboard`. This page is made from the commands by `make docs`; `switchboard COMMAND --help` says the same.

Every command takes `--config FILE`, before or after its name; `SWITCHBOARD_CONFIG` names the file as well.

| exit code | of every command |
| --- | --- |
| 0 | it is so, or was done |
| 1 | an answer: something differs, is to be done, is at fault, or is not known; which of them stands with the command |
| 2 | something is in the way: settings, Kafka, Twilio, or what was asked for; a sentence on stderr says what to do |
| 130 | it was stopped by Ctrl-C; `dev`, `ingress`, `processor`, `sender` and `simulator` end with 0 then |

"""


def page() -> str:
    """The whole page."""
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    commands = list(_commands(group, "switchboard"))
    table = "\n".join(f"| [`{name}`](#{_anchor(name)}) | {_first(command)} |" for name, command in commands)
    return _HEAD + f"| command | |\n| --- | --- |\n{table}\n\n" + "\n".join(_section(*one) for one in commands)


def _commands(group: TyperGroup, path: str) -> Iterator[tuple[str, Any]]:
    for name, command in sorted(group.commands.items()):
        whole = f"{path} {name}"
        if isinstance(command, TyperGroup):
            yield from _commands(command, whole)
        else:
            yield whole, command


def _section(name: str, command: Any) -> str:
    arguments = [one for one in command.params if isinstance(one, TyperArgument)]
    options = [one for one in command.params if not isinstance(one, TyperArgument) and _is_own(one)]
    rows = [f"| `{_argument(one)}` | {_help(one)} |" for one in arguments]
    rows += [f"| `{_option(one)}` | {_help(one)} |" for one in options]
    table = "| | |\n| --- | --- |\n" + "\n".join(rows) + "\n" if rows else ""
    return f"## {name}\n\n{_whole(command)}\n\n{table}"


def _is_own(option: Any) -> bool:
    return not {"--config", "--help"} & set(option.opts)


def _argument(argument: Any) -> str:
    name = argument.metavar or argument.name.upper()
    return f"{name}…" if argument.nargs == -1 else str(name)


def _option(option: Any) -> str:
    names = ", ".join((*option.opts, *option.secondary_opts))
    return names if getattr(option, "is_flag", False) else f"{names} {option.metavar or option.name.upper()}"


def _help(parameter: Any) -> str:
    text = re.sub(r"\s+", " ", getattr(parameter, "help", None) or "").replace("|", "\\|")
    default = parameter.default
    told = default not in (None, False, "") and not callable(default) and not getattr(parameter, "is_flag", False)
    return f"{text} Default: `{default}`." if told and parameter.nargs != -1 else text


def _whole(command: Any) -> str:
    return inspect.cleandoc(command.help or "")


def _first(command: Any) -> str:
    return _whole(command).partition("\n")[0].replace("|", "\\|")


def _anchor(name: str) -> str:
    return name.replace(" ", "-")
