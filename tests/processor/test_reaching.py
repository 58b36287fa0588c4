"""What is told of deliveries, opt-outs and windows, from the rows that flushes change."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, cast

from services.domain.consent.commands import Mark
from services.domain.consent.standing import Standing
from services.domain.messages.ladder import Delivery, Step
from services.domain.messages.number import Number
from services.domain.messages.windows import Sessions, Window
from services.domain.reachability import Failure
from services.processor.metrics import PROCESSOR
from services.processor.reaching import People, Reaching
from services.runtime.folding.flush import Changed
from services.runtime.folding.partition import Partition

SENT = Step("2026-03-01T12:00:00.000Z")
ARRIVED = Step("2026-03-01T12:00:04.000Z")
US = ("US", "unknown")
NOBODY = cast(Partition, None)


def row(to: str = "+14155550123", **steps: Step) -> Delivery:
    return Delivery(tenant="acme", message_sid="SM1", from_="+14155550100", to=to, steps=steps)


def flush(table: str, before: object, after: object) -> Changed:
    rows: Mapping[str, Mapping[str, Any]] = {table: {"row": after}}
    return Changed(rows, {table: {"row": before}})


def value(name: str, **labels: str) -> float:
    return PROCESSOR.get_sample_value(f"switchboard_{name}", labels) or 0.0


def reached(status: str, country: str = "US", carrier: str = "unknown") -> float:
    return value("messages_reached_total", country=country, carrier=carrier, status=status)


async def test_each_step_of_a_message_is_counted_once() -> None:
    watcher = Reaching()
    before = {status: reached(status) for status in ("sent", "delivered", "failed")}
    took = value("delivery_seconds_sum", country="US", carrier="unknown")
    sent, arrived = row(sent=SENT), row(sent=SENT, delivered=ARRIVED)
    for was, now in ((None, sent), (sent, sent), (sent, arrived), (arrived, arrived)):
        await watcher.folded(NOBODY, flush("delivery", was, now))
    # A carrier's second word, which the first overrules.
    late = row(sent=SENT, delivered=ARRIVED, undelivered=ARRIVED)
    await watcher.folded(NOBODY, flush("delivery", arrived, late))
    assert {status: reached(status) - was for status, was in before.items()} == {"sent": 1, "delivered": 1, "failed": 0}
    assert value("delivery_seconds_sum", country="US", carrier="unknown") - took == 4
    assert value("tenant_messages_reached_total", tenant="acme", status="delivered") >= 1


async def test_steps_of_one_flush_are_counted_each_and_its_delay_once() -> None:
    """What was away for a while folds a message's whole life at once."""
    watcher = Reaching()
    before = {status: reached(status) for status in ("sent", "delivered", "read", "failed")}
    count = value("delivery_seconds_count", country="US", carrier="unknown")
    whole = row(queued=SENT, sent=SENT, undelivered=ARRIVED, delivered=ARRIVED)
    await watcher.folded(NOBODY, flush("delivery", None, whole))
    read = row(queued=SENT, sent=SENT, undelivered=ARRIVED, delivered=ARRIVED, read=ARRIVED)
    await watcher.folded(NOBODY, flush("delivery", whole, read))
    came = {status: reached(status) - was for status, was in before.items()}
    assert came == {"sent": 1, "delivered": 1, "read": 1, "failed": 0}
    assert value("delivery_seconds_count", country="US", carrier="unknown") - count == 1


async def test_a_message_that_did_not_leave_is_not_counted() -> None:
    before = reached("sent")
    await Reaching().folded(NOBODY, flush("delivery", None, row(queued=SENT)))
    await Reaching().folded(NOBODY, flush("delivery", row(queued=SENT), None))
    assert reached("sent") == before


async def test_a_stranger_cannot_make_series_without_end() -> None:
    """Numbers come with callbacks: whoever writes them chooses country and carrier, and so how many there are."""
    watcher = Reaching()
    watcher._places.update((f"X{number}", "carrier") for number in range(200))
    before = reached("sent", "other", "other")
    await watcher.folded(NOBODY, flush("delivery", None, row(to="+4915112345678", sent=SENT)))
    assert reached("sent", "other", "other") - before == 1
    assert len(watcher._places) == 200


async def test_a_first_no_is_an_opt_out_and_more_of_them_are_none() -> None:
    before = value("opt_outs_total", tenant="acme")
    mark = {"SM1": Mark(at=SENT.at, evidence="e", source="keyword")}
    nothing = Standing(tenant="acme", contact="c", ins={"sender": mark})
    once, twice = (Standing(tenant="acme", contact="c", outs=dict.fromkeys(outs, mark)) for outs in ("a", "ab"))
    for was, now in ((None, nothing), (nothing, once), (once, twice), (twice, None)):
        await People().folded(NOBODY, flush("suppression", was, now))
    assert value("opt_outs_total", tenant="acme") - before == 1


async def test_a_number_counts_when_it_is_left_alone_and_again_when_it_is_so_anew() -> None:
    labels = {"tenant": "acme", "channel": "sms", "why": "failures"}
    before = value("numbers_marked_total", **labels)
    rows: list[Number | None] = [None]
    # Three days in a row, while it is left alone, and a week after that.
    for day in (1, 2, 3, 4, 12):
        known = rows[-1].failures if rows[-1] else {}
        failure = Failure(at=f"2026-02-{day:02}T18:22:11.123Z", channel="sms", code=30003)
        failures = {**known, f"SM{day} away": failure}
        rows.append(Number(tenant="acme", contact="c", failures=failures))
    for was, now in pairwise(rows):
        await People().folded(NOBODY, flush("numbers", was, now))
    assert value("numbers_marked_total", **labels) - before == 2


async def test_a_window_counts_when_it_opens_and_when_it_stays_open_longer() -> None:
    before = value("windows_opened_total", tenant="acme")
    first, longer, over = (
        Sessions(tenant="acme", contact="c", windows={"whatsapp:+14155550101": one})
        for one in (
            Window(until=SENT.at, message_sid="SM1"),
            Window(until=ARRIVED.at, message_sid="SM2"),
            Window(until=ARRIVED.at, message_sid="SM2", over=True),
        )
    )
    for was, now in ((None, first), (first, longer), (longer, over)):
        await People().folded(NOBODY, flush("sessions", was, now))
    assert value("windows_opened_total", tenant="acme") - before == 2
