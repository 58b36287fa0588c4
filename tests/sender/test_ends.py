"""What the sender's log says of commands that end otherwise than well."""

import logging
from typing import Any, Literal

import pytest
from msgspec import structs

from services.domain.outbox.steps import TERMINAL, StepName
from services.domain.results import CommandResult
from services.runtime import sparing
from services.runtime.sparing import Sparing
from services.sender import ends
from services.sender.ends import RESULTS, counted, logged, of_fold


def result(step: StepName | Literal["rejected"], **more: Any) -> CommandResult:
    at = "2026-02-21T18:22:11.123Z"
    names = {"event_id": "e", "tenant": "acme", "command_id": "hello-1", "contact": None, "at": at}
    return CommandResult(**names, step=step, terminal=step in {*TERMINAL, "rejected"}, **more)


@pytest.fixture(autouse=True)
def _a_second_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ends, "_sparing", Sparing())


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


def test_a_flood_of_one_kind_is_one_line_a_second_with_the_number_of_the_others(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    moments = iter([0.0, *[0.5] * 1000, 0.6, 1.1, 9.0])
    monkeypatch.setattr(sparing, "monotonic", lambda: next(moments))
    one = result("rejected", category="command", reason="no")
    flood = said(caplog, *[one] * 1001)
    assert len(flood) == 1
    another = said(caplog, structs.replace(one, tenant="other"))
    assert another[len(flood) :] == ["command hello-1 of tenant other ended rejected (command): no. "]
    later = said(caplog, one, one)[2:]
    assert later[0].endswith("no.  (and 1000 more of this kind since the last line)")
    assert len(later) == 2
    assert counted("rejected", "", "command")._value.get() >= 1004, "each is counted"


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
