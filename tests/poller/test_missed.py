"""A list that is not read is told once, until something else is the matter; who may not read it is named to people."""

import logging

import pytest

from services.poller.missed import Misses


def test_it_is_told_once_until_something_else_is_the_matter(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    misses = Misses("templates", 900)
    assert "acme" not in misses
    for _ in range(3):
        misses.add("acme", "failed", "Twilio answers 503")
    misses.overtaken("acme")
    misses.add("acme", "failed", "Twilio answers 503")
    misses.add("acme", "refused", "Twilio refuses to be read (403)")
    misses.add("globex", "emptied", "Twilio lists none")
    assert misses.waits("acme")
    assert list(misses.refused()) == ["acme"]
    assert "403" in misses.refused()["acme"]
    misses.over("acme")
    misses.over("nobody")
    assert (misses.waits("acme"), misses.refused()) == (False, {})
    assert [record.getMessage() for record in caplog.records] == [
        "acme: its templates are not read, and stay as they are: Twilio answers 503",
        "acme: its templates are not read, and stay as they are: Twilio refuses to be read (403)",
        "globex: its templates are not read, and stay as they are: Twilio lists none",
        "acme: its templates are read again",
    ]
    misses.forget()
    assert "globex" not in misses
