"""What a STOP reaches, and what a START lifts, by what is known of our senders: histories in, what stands out."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.domain.clock import later
from services.domain.consent.hearing import Message, hear
from services.domain.consent.standing import Standing, suppressed
from services.domain.messages.consent import Suppressing
from services.domain.messages.events import InboundReceived, Parameters, StatusReceived
from services.domain.messages.sightings import Sighting
from services.domain.senders.directory import NOBODY, Directory
from services.domain.senders.events import SendersStated
from services.domain.senders.listing import Listed, joined
from services.domain.senders.reach import Asked, Through, reaching

MG, OTHER_MG = "MG" + "d" * 32, "MG" + "e" * 32
ONE, TWO, THREE, TOLL_FREE = "+14155550100", "+14155550101", "+14155550102", "+18005550100"
AGENT, WHATSAPP = "rcs:acme_agent", "whatsapp:+14155550100"
START = "2026-02-21T12:00:00.000Z"
DAY = 86_400.0


def at(minute: float) -> str:
    return later(START, 60 * minute)


def said(body: str, minute: float, to: str = ONE, service: str | None = None, **other: Any) -> InboundReceived:
    raw: Parameters = {"MessagingServiceSid": service} if service else {}
    channel = to.partition(":")[0] + ":" if ":" in to else ""
    fields: dict[str, Any] = {
        "event_id": f"{body} {minute} {to} {service}", "tenant": "acme", "contact": "acme|c0ffee", "account_sid": "AC",
        "message_sid": f"SM {body} {minute} {to}", "from_": f"{channel}+14155550123", "num_media": 0,
    }  # fmt: skip
    heard = hear(Message(to=to, body=body))
    return InboundReceived(received_at=at(minute), to=to, body=body, heard=heard, raw=raw, **fields | other)


def standing(*facts: InboundReceived) -> Standing | None:
    fold, state = Suppressing({}), None
    for fact in facts:
        state, _ = fold(state, fact)
    return state


def spoke(sender: str, service: str, minute: float = -60) -> StatusReceived:
    """A status callback that names both."""
    return StatusReceived(
        event_id=f"{sender} {service} {minute}", tenant="acme", received_at=at(minute), account_sid="AC",
        message_sid="SM", message_status="delivered", from_=sender, to="+14155550199",
        raw={"MessagingServiceSid": service},
    )  # fmt: skip


def named(*facts: InboundReceived | StatusReceived) -> Directory:
    """What is known when webhooks have named these."""
    fold = Sighting(lambda _: "status-0")
    state, told = None, []
    for fact in facts:
        state, more = fold(state, fact)
        told += more
    return Directory(told[-1:])


def listed(minute: float, before: SendersStated | None = None, **members: tuple[str, ...]) -> SendersStated:
    services = {MG: members.get("inside", ()), OTHER_MG: members.get("other", ())}
    return joined(before, "acme", Listed((ONE, TWO, THREE), services), at(minute))


BOTH = named(spoke(ONE, MG), spoke(TWO, MG), spoke(AGENT, MG))


def stands(state: Standing | None, sender: str | None, service: str | None, known: Directory) -> set[str]:
    channel = "whatsapp" if (sender or "").startswith("whatsapp:") else "sms"
    return set(reaching(state, Asked(sender, service, channel), known))


@pytest.mark.parametrize(
    ("stop", "sender", "service", "blocked"),
    [
        pytest.param(said("STOP", 0, AGENT, MG), TWO, None, True, id="by RCS to the service: its number"),
        pytest.param(said("STOP", 0, ONE), TWO, None, True, id="to a number: its sibling"),
        pytest.param(said("STOP", 0, ONE), AGENT, None, True, id="to a number: the RCS agent beside it"),
        pytest.param(said("STOP", 0, ONE), None, MG, True, id="to a number: its service"),
        pytest.param(said("STOP", 0, "rcs:" + ONE), ONE, None, True, id="to a number by RCS: the number by SMS"),
        pytest.param(said("STOP", 0, AGENT, MG), None, MG, True, id="to the service: the service"),
        pytest.param(said("STOP", 0, THREE), TWO, None, False, id="to a number that is in no service"),
        pytest.param(said("STOP", 0, ONE), THREE, None, False, id="to a number of a service: one that is in none"),
        pytest.param(said("STOP", 0, ONE), None, OTHER_MG, False, id="to a number: another service"),
        pytest.param(said("STOP", 0, WHATSAPP, MG), TWO, None, False, id="by WhatsApp: not what goes by SMS"),
        pytest.param(said("STOP", 0, ONE, MG), WHATSAPP, None, False, id="by SMS: not WhatsApp of that number"),
        pytest.param(said("STOP", 0, THREE), THREE, MG, True, id="a sender with a service: the sender"),
        pytest.param(said("STOP", 0, ONE), THREE, MG, True, id="a sender with a service: the service"),
    ],
)
def test_a_no_holds_for_the_whole_service(
    stop: InboundReceived, sender: str | None, service: str | None, blocked: bool
) -> None:
    known = named(spoke(ONE, MG), spoke(TWO, MG), spoke(AGENT, MG), spoke(WHATSAPP, MG))
    assert bool(stands(standing(stop), sender, service, known)) is blocked


def test_how_a_no_reaches_is_told() -> None:
    found = reaching(standing(said("STOP", 0, ONE)), Asked(TWO, None), BOTH)
    assert found[f"sender:{ONE}"].through == (Through(TWO, MG), Through(ONE, MG))
    direct = reaching(standing(said("STOP", 0, ONE)), Asked(ONE, None), BOTH)
    assert direct[f"sender:{ONE}"].through == ()


def test_a_stop_that_was_said_before_the_membership_was_known_counts_as_soon_as_it_is() -> None:
    state = standing(said("STOP", 0, ONE))
    assert not stands(state, TWO, None, NOBODY)
    assert stands(state, TWO, None, named(spoke(ONE, MG, 10), spoke(TWO, MG, 20)))


def test_a_number_that_moved_carries_its_old_service_along() -> None:
    """It was in MG when they said STOP there, by its sibling; now it is elsewhere."""
    moved = named(spoke(ONE, MG), spoke(TWO, MG), spoke(ONE, OTHER_MG, 30))
    assert stands(standing(said("STOP", 0, TWO, MG)), ONE, None, moved) == {f"service:{MG}", f"sender:{TWO}"}
    assert stands(standing(said("STOP", 0, ONE)), TWO, None, moved)
    assert stands(standing(said("STOP", 0, ONE)), None, OTHER_MG, moved)
    # Also where a list has shown that it is over.
    before = listed(-60, inside=(ONE, TWO))
    after = Directory([listed(30, before, inside=(TWO,), other=(ONE,))])
    assert stands(standing(said("STOP", 0, TWO, MG)), ONE, None, after)


@pytest.mark.parametrize("sender", [ONE, TWO, AGENT, None])
def test_a_start_at_a_sibling_lifts_for_all_where_its_webhook_names_the_service(sender: str | None) -> None:
    for stop in (said("STOP", 0, AGENT, MG), said("STOP", 0, ONE, MG), said("STOP", 0, ONE)):
        state = standing(stop, said("START", 2, TWO, MG))
        assert not stands(state, sender, None if sender else MG, BOTH), stop
        # Not within the minute, in which nobody knows which was first.
        assert stands(standing(stop, said("START", 0.5, TWO, MG)), sender, None if sender else MG, BOTH)


def test_a_start_that_names_no_service_lifts_for_its_own_sender_alone() -> None:
    state = standing(said("STOP", 0, ONE, MG), said("START", 2, TWO))
    assert not stands(state, TWO, None, BOTH)
    assert stands(state, ONE, None, BOTH)
    assert stands(state, None, MG, BOTH)
    # What they say later to any of them holds again.
    again = standing(said("STOP", 0, ONE, MG), said("START", 2, TWO), said("STOP", 4, ONE))
    assert stands(again, TWO, None, BOTH)


@pytest.mark.parametrize(
    ("minute", "lifted"),
    [
        pytest.param(-23 * 60, True, id="a list of the day before"),
        pytest.param(-25 * 60, False, id="an older one"),
        pytest.param(5, False, id="one that came later"),
    ],
)
def test_a_list_of_the_day_before_names_the_service_of_a_start(minute: float, lifted: bool) -> None:
    known = Directory([listed(minute, inside=(ONE, TWO))])
    state = standing(said("STOP", 0, ONE), said("START", 2, TWO))
    assert bool(stands(state, ONE, None, known)) is not lifted
    assert bool(stands(state, None, MG, known)) is not lifted


def test_daily_lists_go_on_counting_for_a_start_of_long_ago() -> None:
    part = None
    for day in range(-2, 60):
        part = listed(day * 1440 + day, part, inside=(ONE, TWO))
    state = standing(said("STOP", 0, ONE), said("START", 2, TWO))
    assert not stands(state, None, MG, Directory([part] if part else []))


def test_a_start_to_the_new_service_does_not_lift_what_was_said_to_one_that_moved() -> None:
    """ONE was named elsewhere before the START: whether it was in MG then is not sure, so its own no stays."""
    moved = named(spoke(ONE, OTHER_MG, -90), spoke(ONE, MG, -60), spoke(TWO, MG))
    state = standing(said("STOP", 0, ONE), said("START", 2, TWO, MG))
    assert stands(state, ONE, None, moved)
    assert not stands(standing(said("STOP", 0, ONE), said("START", 2, ONE)), ONE, None, moved)
    # Afterwards is no matter.
    later_on = named(spoke(ONE, MG), spoke(TWO, MG), spoke(ONE, OTHER_MG, 90))
    assert not stands(state, ONE, None, later_on)


def test_a_toll_free_number_is_released_by_itself_alone() -> None:
    known = named(spoke(TOLL_FREE, MG), spoke(TWO, MG))
    state = standing(said("STOP", 0, TOLL_FREE, MG), said("START", 2, TWO, MG))
    assert stands(state, TOLL_FREE, None, known) == {f"sender:{TOLL_FREE}"}
    assert stands(state, None, MG, known) == {f"sender:{TOLL_FREE}"}
    assert not stands(state, TWO, None, known) - {f"sender:{TOLL_FREE}"}


def test_where_not_all_senders_found_room_an_unknown_one_may_be_anywhere() -> None:
    part = SendersStated(event_id="e", tenant="acme", part="status-0", at=at(0), senders={}, full=True)
    assert stands(standing(said("STOP", 0, ONE)), TWO, None, Directory([part]))
    assert not stands(standing(said("STOP", 0, ONE)), TWO, None, Directory([replace(part, full=False)]))


def test_what_stops_everywhere_asks_no_membership() -> None:
    state = standing(said("STOP", 0, WHATSAPP))
    assert set(reaching(state, Asked(TWO, None, "sms", True), NOBODY)) == {f"sender:{WHATSAPP}"}
    assert reaching(None, Asked(TWO, None), BOTH) == {}


SENDERS = [ONE, TWO, THREE, AGENT, WHATSAPP]


@given(
    st.lists(
        st.builds(
            said, st.sampled_from(["STOP", "START", "hello"]), st.integers(0, 9), st.sampled_from(SENDERS),
            st.sampled_from([None, MG, OTHER_MG]),
        ),
        max_size=6,
    ),
    st.lists(st.builds(spoke, st.sampled_from(SENDERS), st.sampled_from([MG, OTHER_MG]), st.integers(-9, 9)),
             max_size=6),
    st.sampled_from(SENDERS),
)  # fmt: skip
def test_more_knowledge_blocks_more_but_for_what_a_yes_lifts(
    facts: list[InboundReceived], known: list[StatusReceived], sender: str
) -> None:
    """Without a yes, memberships only add; and whatever is asked, what the fold calls free stays free."""
    state = standing(*facts)
    noes = standing(*(fact for fact in facts if fact.body != "START"))
    assert stands(noes, sender, None, NOBODY) <= stands(noes, sender, None, named(*known))
    assert stands(state, sender, None, named(*known)) <= set(suppressed(state))


@given(st.permutations([spoke(ONE, MG, 5), spoke(TWO, MG, 1), spoke(ONE, OTHER_MG, 1500), spoke(ONE, MG, 2000)]))
def test_sightings_come_to_the_same_in_any_order(facts: list[StatusReceived]) -> None:
    fold = Sighting(lambda _: "status-0")
    state: Any = None
    for fact in [*facts, *facts]:
        state, _ = fold(state, fact)
    assert {name: {mg: (one.since, one.last[:10]) for mg, one in known.services.items()}
            for name, known in state.senders.items()} == {
        ONE: {MG: (at(5), "2026-02-22"), OTHER_MG: (at(1500), "2026-02-22")}, TWO: {MG: (at(1), "2026-02-21")},
    }  # fmt: skip
