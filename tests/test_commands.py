"""The commands as a whole: what a start of one imports, and that all are there."""

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from services.cli.commands import PLACES
from services.cli.main import app

# One process, which imports more and more.
_STAGES = ("services.cli.main", "services.cli.config", "services.cli.serve.ingress", "services.cli.demo.main")
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
    }


def test_help_lists_every_command_with_what_it_does() -> None:
    told = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200"}).output
    for name in PLACES:
        line = next(line for line in told.splitlines() if line.startswith(f"│ {name} "))
        assert line.strip("│ ").removeprefix(name).strip()


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
