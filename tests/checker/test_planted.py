"""The checker is shown to catch each promise broken: one fault is planted in a good history, and found."""

import re

import pytest

from services.checker.check import PROMISES, Promise, check
from services.checker.finding import Finding
from services.checker.history import History, produced
from services.checker.topics import MESSAGES
from tests.checker.good import Spoilt, good
from tests.checker.planted import FAULTS, HARMLESS

_KINDS = ("lost", "doubled", "wrong")


def of(words: str) -> Promise:
    (found,) = [promise for promise in PROMISES if words in promise.sentence]
    return found


def assert_masked(log: Spoilt, findings: list[Finding]) -> None:
    """No finding tells a number or a text."""
    said = "\n".join(one for finding in findings for kind in _KINDS for one in getattr(finding, kind))
    for one in log.witness.messages:
        resource = one["resource"]
        for address in (resource["to"], resource["from"]):
            assert address is None or re.sub(r"\D", "", address) not in said
        assert len(resource["body"]) < 8 or resource["body"] not in said


def test_the_good_history_keeps_every_promise_and_each_was_looked_at() -> None:
    for finding in check(good()):
        assert finding.ok, finding
        assert finding.checked > 0, finding.promise


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(fault: str) -> None:
    planted, log = FAULTS[fault], Spoilt()
    planted.plant(log)
    [finding] = check(log.history, [of(planted.promise)])
    said = getattr(finding, planted.kind)
    assert any(planted.says in one for one in said), finding
    assert_masked(log, [finding])


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.sentence)
def test_no_promise_tells_a_number_or_a_text_where_another_is_broken(promise: Promise) -> None:
    log = Spoilt()
    next(planted for planted in FAULTS.values() if planted.promise in promise.sentence).plant(log)
    assert_masked(log, check(log.history))


@pytest.mark.parametrize("change", HARMLESS)
def test_what_is_no_fault_is_not_called_one(change: str) -> None:
    promise, spoil = HARMLESS[change]
    log = Spoilt()
    spoil(log)
    [finding] = check(log.history, [of(promise)])
    assert finding.ok, finding


def test_each_promise_has_a_fault_planted() -> None:
    for promise in PROMISES:
        assert any(planted.promise in promise.sentence for planted in FAULTS.values()), promise.sentence


def test_without_a_witness_what_the_log_cannot_show_is_not_called_kept() -> None:
    findings = check(History(good().entries))
    assert all(finding.ok for finding in findings)
    by_witness = {promise.sentence for promise in PROMISES if promise.by_witness}
    assert {finding.promise for finding in findings if "log alone" in finding.unchecked} == by_witness


def test_a_log_without_records_is_not_called_good() -> None:
    assert all(finding.unchecked for finding in check(History([])))


def test_of_a_long_record_its_reader_may_be_shown_the_beginning_only() -> None:
    log = Spoilt()
    whole = b"x" * (2 << 20)
    log.add(log.first(MESSAGES))
    log.entries[-1] = log.entries[-1]._replace(value=whole[: 900 * 1024])
    log.witness.produced.append(produced(MESSAGES, b"", whole))
    log.witness.produced.append(produced(MESSAGES, b"", b"y" + whole))
    lost = [fault for finding in check(log.history) for fault in finding.lost if "produced records" in fault]
    assert len(lost) == 1
