"""`switchboard explain`, and the page that is made by it."""

import re
from collections.abc import Callable

import pytest
from typer.testing import CliRunner, Result

from services.cli.main import app
from services.domain.errors import CATALOGUE

Say = Callable[..., Result]


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> Say:
    monkeypatch.setenv("COLUMNS", "200")

    def say(*words: str) -> Result:
        return CliRunner().invoke(app, ["explain", *words])

    return say


def test_a_code_is_explained(said: Say) -> None:
    result = said("30007")
    assert result.exit_code == 0
    assert all(word in result.output for word in ("30007", "filtered", "ends", "registered campaign"))


def test_several_are_each_a_row(said: Say) -> None:
    result = said("63049", "21610", "99999")
    assert result.exit_code == 0
    assert all(word in result.output for word in ("marketing_capped", "opted_out", "99999", "unknown"))


def test_an_unknown_one_says_where_to_look(said: Say) -> None:
    result = said("99999")
    assert result.exit_code == 1
    assert "twilio.com/docs/api/errors" in result.output


def test_where_to_look_is_told_whole_in_a_narrow_terminal(said: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert "https://www.twilio.com/docs/api/errors" in re.sub(r"[│\s]", "", said("99999").output)


def test_all_are_listed(said: Say) -> None:
    result = said()
    assert result.exit_code == 0
    assert all(str(code) in result.output for code in CATALOGUE)


def test_what_is_no_code_is_refused(said: Say) -> None:
    assert said("none").exit_code == 2
