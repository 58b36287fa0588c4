"""WhatsApp senders as Twilio lists them: who is offline is paused, until it is online; a person's pause stays."""

from typing import Any

import pytest

from services.domain.due import Due
from services.domain.messages.sender_health import Health, SendersRead, Watched, fold, read, worse
from services.domain.outbox.pauses import PauseEnded, PausePlaced, Pauses, due, of_sender, resting
from services.domain.outbox.pauses import fold as pausing

ONE, TWO = "whatsapp:+14155550100", "whatsapp:+14155550101"
OFFLINE = Health(status="OFFLINE", reasons=("63112 disabled",))
ONLINE = Health(status="ONLINE", quality="HIGH")


def seen(minute: int, **senders: Health) -> SendersRead:
    named = {"one": ONE, "two": TWO}
    return SendersRead(
        tenant="acme",
        at=f"2026-02-21T{10 + minute // 60:02}:{minute % 60:02}:00.000Z",
        keys=("|every-0", "|every-1"),
        senders={named[name]: health for name, health in senders.items()},
    )


def play(*readings: SendersRead) -> tuple[Watched | None, list[list[Any]]]:
    state: Watched | None = None
    told = []
    for one in readings:
        state, derived = fold(state, one)
        told.append([*derived])
    return state, told


def test_who_is_offline_is_told_on_each_partition_and_again_and_who_is_back_too() -> None:
    _, told = play(
        seen(0, one=ONLINE, two=ONLINE),
        seen(10, one=OFFLINE, two=ONLINE),
        seen(15, one=OFFLINE, two=ONLINE),
        seen(20, one=OFFLINE, two=ONLINE),
        seen(30, one=Health(status="ONLINE:UPDATING"), two=ONLINE),
        seen(40, one=ONLINE, two=ONLINE),
    )
    assert [[type(one) for one in each] for each in told] == [
        [], [PausePlaced] * 2, [], [PausePlaced] * 2, [PauseEnded] * 2, [],
    ]  # fmt: skip
    first = told[1][0]
    assert (first.scope, first.cause, first.by, "63112" in first.note) == (
        of_sender("acme", ONE),
        "sender",
        "Twilio",
        True,
    )
    assert {one.key for one in told[1]} == {"|every-0", "|every-1"}
    ids = [one.event_id for each in told for one in each]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("status", ["PENDING_VERIFICATION", "CREATING", "SOMETHING_NEW", ""])
def test_no_other_state_takes_a_sender_out(status: str) -> None:
    assert play(seen(0, one=Health(status=status)))[1] == [[]]


def test_who_is_listed_no_more_is_forgotten_with_the_pause_and_told_of_no_more() -> None:
    state, told = play(seen(0, one=OFFLINE), seen(20), seen(359))
    assert (state and set(state.out), told[1:]) == ({ONE}, [[], []])
    state, told = play(seen(0, one=OFFLINE), seen(20), seen(360))
    assert (state and state.out, told[1:]) == ({}, [[], []])


def test_who_stays_offline_stays_out_and_who_is_looked_at_no_more_is_not() -> None:
    pauses: Pauses | None = None
    state: Watched | None = None
    for minute in range(0, 800, 10):
        reading = seen(minute, one=OFFLINE)
        if pauses is not None and (ends := due(pauses)) is not None and ends <= reading.at:
            pauses, _ = pausing(pauses, Due(key="pauses", at=ends))
        state, told = fold(state, reading)
        for one in told:
            pauses, _ = pausing(pauses, one)
        assert pauses is not None
        assert resting(pauses, "acme") == {ONE}, minute
    assert pauses is not None
    ends = due(pauses)
    assert ends == "2026-02-22T05:10:00.000Z"
    assert resting(pausing(pauses, Due(key="pauses", at=ends))[0], "acme") == frozenset()


def test_a_list_that_was_not_whole_leaves_nobody_out() -> None:
    _, told = play(seen(0, one=OFFLINE, two=ONLINE), seen(5, two=ONLINE), seen(10, one=ONLINE, two=ONLINE))
    assert [[type(one) for one in each] for each in told] == [[PausePlaced] * 2, [], [PauseEnded] * 2]


def test_the_end_of_a_fault_ends_no_pause_that_a_person_wanted() -> None:
    _, (placed, ended) = play(seen(0, one=OFFLINE), seen(20, one=ONLINE))
    scope, at = placed[0].scope, "2026-02-21T09:00:00.000Z"
    by_ann = PausePlaced(event_id="ann", key="|every-0", tenant="acme", scope=scope, at=at, by="ann")
    pauses: Pauses | None = None
    for one in (by_ann, placed[0], ended[0]):
        pauses, _ = pausing(pauses, one)
    assert pauses is not None
    assert pauses.standing[placed[0].scope].by == "ann"
    pauses = None
    for one in (placed[0], placed[0]):
        pauses, _ = pausing(pauses, one)
    assert pauses is not None
    assert resting(pauses, "acme") == {ONE}
    pauses, _ = pausing(pauses, ended[0])
    assert pauses.standing == {}


def test_the_list_is_read_as_it_comes() -> None:
    listed: list[dict[str, Any]] = [
        {"sender_id": ONE, "status": "OFFLINE", "properties": {"quality_rating": "LOW", "messaging_limit": "1K"},
         "offline_reasons": [{"code": "63112", "message": "disabled"}, "odd"]},
        {"sender_id": TWO, "status": "ONLINE", "properties": None, "offline_reasons": None},
        {"status": "ONLINE"},
        {"sender_id": 5, "status": "ONLINE"},
    ]  # fmt: skip
    assert read(listed) == {
        ONE: Health(status="OFFLINE", quality="LOW", limit="1K", reasons=("63112 disabled",)),
        TWO: Health(status="ONLINE"),
    }


def test_a_rating_falls() -> None:
    high, low = Health(status="ONLINE", quality="HIGH"), Health(status="ONLINE", quality="LOW")
    assert worse(high, low)
    assert not worse(low, high)
    assert not worse(None, low)
    assert not worse(high, Health(status="ONLINE", quality="NEW_WORD"))
