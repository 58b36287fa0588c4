"""Codes that nobody explained yet are counted by code, so that somebody is woken."""

import logging
from types import SimpleNamespace

import pytest
from prometheus_client import REGISTRY

from services.domain.messages.ladder import Delivery, ErrorSeen, Step
from services.processor.noticing import Noticing
from services.runtime import unknown_codes
from services.runtime.folding.flush import Changed
from services.runtime.unknown_codes import notice


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unknown_codes, "_seen", set())
    unknown_codes.UNKNOWN_CODES.clear()


def counted(code: str) -> float | None:
    return REGISTRY.get_sample_value("switchboard_unknown_error_codes_total", {"code": code})


def test_an_unknown_code_is_counted_each_time_and_named_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            notice(63999)
    assert counted("63999") == 3
    assert [record.getMessage() for record in caplog.records] == [
        "error code 63999 is not in the catalogue: look at https://www.twilio.com/docs/api/errors/63999"
    ]


def test_known_ones_and_none_are_not() -> None:
    for code in (None, 30003, 21610):
        notice(code)
    assert counted("30003") is None
    assert counted("None") is None


def test_there_is_a_bound_to_what_is_told_apart() -> None:
    for code in range(700_000, 700_150):
        notice(code)
    notice(700_000)
    assert (counted("700000"), counted("700149"), counted("other")) == (2, None, 50)


def row(*codes: int) -> Delivery:
    steps = {f"status {code}": Step("t", ErrorSeen("t", code)) for code in codes}
    return Delivery(tenant="acme", message_sid="SM1", steps={"sent": Step("t"), **steps})


async def test_the_processor_notices_a_code_when_a_message_first_has_it() -> None:
    rows = {"SM1": row(63999, 30003), "SM2": row(63999), "SM3": row(63998)}
    changed = Changed({"delivery": rows, "deliverability": {}}, {"delivery": {"SM1": None, "SM2": row(63999)}})
    await Noticing().folded(SimpleNamespace(), changed)  # type: ignore[arg-type]
    assert (counted("63999"), counted("63998"), counted("30003")) == (1, 1, None)
