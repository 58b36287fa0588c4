"""What the sender's log says of commands that end otherwise than well."""

import logging
from typing import Any

import pytest

from services.domain.outbox.steps import TERMINAL, StepName
from services.domain.results import CommandResult
from services.sender.ends import RESULTS, counted, logged, of_fold


def result(step: StepName, **more: Any) -> CommandResult:
    at = "2026-02-21T18:22:11.123Z"
    names = {"event_id": "e", "tenant": "acme", "command_id": "hello-1", "contact": None, "at": at}
    return CommandResult(**names, step=step, terminal=step in TERMINAL, **more)


def said(caplog: pytest.LogCaptureFixture, *told: CommandResult) -> list[str]:
    caplog.set_level(logging.INFO)
    assert logged(lambda state, _: (state, told), of_fold)("state", "event") == ("state", told)
    return caplog.messages


def test_an_end_that_is_no_success_is_a_line_with_its_reason(caplog: pytest.LogCaptureFixture) -> None:
    blocked = result("blocked", category="suppressed", reason="they opted out", remedy="Leave them alone.")
    failed = result("failed", category="recipient", code=21211, reason="no number")
    assert said(caplog, blocked, failed) == [
        "command hello-1 of tenant acme ended blocked (suppressed): they opted out. Leave them alone.",
        "command hello-1 of tenant acme ended failed (recipient, code 21211): no number. ",
    ]


@pytest.mark.parametrize("step", ["sent", "recorded", "accepted", "deferred", "retrying", "ambiguous"])
def test_what_goes_well_or_goes_on_is_none(caplog: pytest.LogCaptureFixture, step: StepName) -> None:
    assert said(caplog, result(step)) == []


def test_every_step_is_counted_and_a_status_of_a_strangers_makes_no_series(caplog: pytest.LogCaptureFixture) -> None:
    RESULTS.clear()
    counted.cache_clear()
    ended = [result("message", message_status=status) for status in ("delivered", "made up", "made up too")]
    said(caplog, result("deferred", category="pause"), *ended)
    samples = [one for family in RESULTS.collect() for one in family.samples if one.name.endswith("_total")]
    found = {tuple(one.labels.values()): one.value for one in samples}
    assert found == {("deferred", "", "pause"): 1, ("message", "delivered", ""): 1, ("message", "other", ""): 2}
