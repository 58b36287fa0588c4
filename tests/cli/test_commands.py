"""The commands as a whole: what a start of one imports, and that all are there."""

import json
import os
import subprocess
import sys

import pytest
import typer
from typer.core import TyperGroup
from typer.testing import CliRunner

from services.cli.commands import PLACES
from services.cli.main import app

# One process, which imports more and more.
_STAGES = (
    "services.cli.main",
    "services.cli.config",
    "services.cli.serve.ingress",
    "services.cli.demo.main",
    "services.cli.serve.processor",
)
_WATCHED = (
    "aiohttp",
    "aiokafka",
    "faust",
    "jgo",
    "phonenumbers",
    "phonenumbers.carrierdata",
    "requests",
    "twilio.rest",
)
_NOT_BY_HELP = (
    *(f"services.{room}" for room in ("ingress", "processor", "sender", "simulator", "checker", "demo", "operations")),
    "aiokafka",
    "faust",
)
_PROGRAM = f"""
import importlib, json, sys
loaded = {{}}
for stage in {_STAGES!r}:
    importlib.import_module(stage)
    loaded[stage] = [name for name in {_WATCHED!r} if name in sys.modules]
print(json.dumps(loaded))
"""


def test_a_command_imports_what_it_needs() -> None:
    told = subprocess.run([sys.executable, "-c", _PROGRAM], check=True, capture_output=True, text=True, timeout=120)
    assert json.loads(told.stdout) == {
        "services.cli.main": [],
        "services.cli.config": ["aiokafka", "phonenumbers"],
        "services.cli.serve.ingress": ["aiohttp", "aiokafka", "phonenumbers"],
        "services.cli.demo.main": ["aiohttp", "aiokafka", "phonenumbers", "requests"],
        # It counts messages by carrier: loaded in a fold, the data would hold up its first record.
        "services.cli.serve.processor": [
            "aiohttp",
            "aiokafka",
            "faust",
            "phonenumbers",
            "phonenumbers.carrierdata",
            "requests",
        ],
    }


def test_help_lists_every_command_with_what_it_does_and_imports_none() -> None:
    program = "import sys; from services.cli.main import main; sys.argv[1:] = ['--help']; main()"
    told = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", program],
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "COLUMNS": "200"},
    )
    lines = [line.strip("│ ") for line in told.stdout.splitlines()]
    for name, place in PLACES.items():
        assert any(line.startswith(f"{name} ") and line.endswith(place.does) for line in lines), name
    imported = {line.rpartition("|")[2].strip() for line in told.stderr.splitlines()}
    assert "services.cli.main" in imported
    assert not {name for name in imported if name.startswith(_NOT_BY_HELP)}


def test_the_list_says_of_each_command_what_its_own_help_says() -> None:
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    assert {name: (group.commands[name].help or "").partition("\n")[0] for name in PLACES} == {
        name: place.does for name, place in PLACES.items()
    }


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--version"], "switchboard 0."),
        (["topisc"], "Did you mean 'topics'"),
        (["topics"], "apply"),
        (["health", "kitchen"], "│ kitchen: there is no such service; name one of"),
    ],
)
def test_what_is_asked_of_the_whole(words: list[str], told: str) -> None:
    assert told in CliRunner().invoke(app, words).output


def test_ctrl_c_while_a_command_is_imported_says_that_nothing_began(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(name: str) -> None:
        raise KeyboardInterrupt(name)

    monkeypatch.setattr("services.cli.commands.import_module", interrupted)
    result = CliRunner().invoke(app, ["dev"])
    assert result.exit_code == 130
    assert "Stopped before anything began." in result.output
