"""What is known of our senders: lists and webhooks in, answers out."""

from typing import Any

import pytest
from msgspec.structs import replace

from services.domain.messages.sightings import Sighting
from services.domain.senders.directory import NOBODY, Directory
from services.domain.senders.events import LIST, MOST_MEMBERSHIPS, SendersStated
from services.domain.senders.listing import Change, Listed, changes, is_emptied, joined
from services.domain.senders.names import kind_of, name_of
from tests.domain.test_reach import AGENT, MG, ONE, OTHER_MG, THREE, TOLL_FREE, TWO, WHATSAPP, at, said, spoke

DAY = 1440


def listed(minute: float, before: SendersStated | None = None, *members: str, other: tuple[str, ...] = ()) -> Any:
    return joined(before, "acme", Listed((ONE, TWO), {MG: members, OTHER_MG: other}), at(minute))


@pytest.mark.parametrize(
    ("address", "name", "kind"),
    [
        (ONE, ONE, "long_code"),
        ("sms:" + ONE, ONE, "long_code"),
        ("rcs:" + ONE, ONE, "long_code"),
        (TOLL_FREE, TOLL_FREE, "toll_free"),
        ("12345", "12345", "short_code"),
        ("ACME", "ACME", "alphanumeric"),
        (WHATSAPP, WHATSAPP, "whatsapp"),
        (AGENT, AGENT, "rcs"),
        ("messenger:1034", "messenger:1034", "messenger"),
        (MG, None, None),
        ("+1415555XXXX", None, None),
        ("", None, None),
    ],
)
def test_a_sender_has_one_name_and_a_kind(address: str, name: str | None, kind: str | None) -> None:
    assert name_of(address) == name
    assert (kind_of(name) if name else None) == kind


def test_what_a_list_changes_is_shown_and_what_has_ended_is_kept() -> None:
    first = listed(0, None, ONE, WHATSAPP)
    assert first.part == LIST
    assert changes(None, first) == [Change("joined", ONE, MG), Change("new", TWO, ""), Change("joined", WHATSAPP, MG)]
    again = listed(DAY, first, ONE, WHATSAPP)
    assert changes(first, again) == []
    moved = listed(2 * DAY, again, WHATSAPP, other=(ONE,))
    assert changes(again, moved) == [Change("left", ONE, MG), Change("joined", ONE, OTHER_MG)]
    assert moved.senders[ONE].services[MG].ended == at(2 * DAY)
    # It comes back: what was is not forgotten, and it is there now.
    back = listed(3 * DAY, moved, ONE, WHATSAPP)
    assert back.senders[ONE].services[MG].ended is None
    assert [(one.first, one.last) for one in back.senders[ONE].services[MG].spans] == [
        (at(0), at(DAY)),
        (at(3 * DAY), at(3 * DAY)),
    ]
    # An end is told once, by the first list that shows it.
    assert listed(4 * DAY, moved, WHATSAPP, other=(ONE,)).senders[ONE].services[MG].ended == at(2 * DAY)


def test_a_list_of_nothing_is_doubted_where_there_was_something() -> None:
    nothing = Listed((), {})
    assert is_emptied(listed(0, None, ONE), nothing)
    assert not is_emptied(None, nothing)
    assert not is_emptied(listed(0, None, ONE), Listed((), {MG: ()}))


def test_more_than_find_room_is_told_and_what_is_there_comes_first() -> None:
    pool = tuple(f"+1415{number:07}" for number in range(2_000_000, 2_000_000 + MOST_MEMBERSHIPS + 5))
    full = joined(None, "acme", Listed((), {MG: pool}), at(0))
    assert (len(full.senders), full.full) == (MOST_MEMBERSHIPS, True)
    gone = joined(full, "acme", Listed((), {MG: (ONE,)}), at(1))
    assert ONE in gone.senders


def seen(*facts: Any) -> SendersStated:
    fold = Sighting(lambda _: "status-0")
    state: Any = None
    told: list[SendersStated] = []
    for fact in facts:
        state, more = fold(state, fact)
        told += more
    return told[-1]


@pytest.mark.parametrize(
    ("parts", "sender", "answer"),
    [
        pytest.param([], ONE, None, id="nothing is known"),
        pytest.param([listed(0, None, ONE)], ONE, True, id="listed in it"),
        pytest.param([listed(0, None, TWO)], ONE, False, id="listed, and not in it"),
        pytest.param([listed(0, None, TWO)], WHATSAPP, False, id="the service is listed without it"),
        pytest.param([seen(spoke(ONE, MG))], ONE, True, id="named together"),
        pytest.param([seen(spoke(ONE, OTHER_MG))], ONE, False, id="named with another"),
        pytest.param([seen(spoke(ONE, OTHER_MG))], TWO, None, id="of another sender nothing is known"),
        pytest.param([listed(2 * DAY, listed(0, None, ONE), TWO), seen(spoke(ONE, MG))], ONE, False, id="it has left"),
        pytest.param(
            [listed(2 * DAY, listed(0, None, ONE), TWO), seen(spoke(ONE, MG, 3 * DAY))], ONE, True, id="and is back"
        ),
    ],
)
def test_whether_a_sender_is_in_a_service_now(parts: list[SendersStated], sender: str, answer: bool | None) -> None:
    assert Directory(parts).is_in(sender, MG) is answer
    assert Directory(parts[::-1]).version == Directory(parts).version


def test_parts_are_joined_and_nothing_that_was_is_lost() -> None:
    known = Directory([
        replace(seen(spoke(ONE, MG, 5)), part="status-0"),
        replace(seen(spoke(ONE, MG, 1), spoke(TWO, OTHER_MG)), part="status-1"),
        listed(9, None, ONE),
    ])  # fmt: skip
    assert known.services(ONE) == {MG}
    assert known.members(OTHER_MG) == {TWO}
    assert (known.known(ONE, MG).first, known.known(ONE, MG).by) == (at(1), "status")
    assert (NOBODY.services(ONE), NOBODY.members(MG), NOBODY.version) == (frozenset(), frozenset(), "")


def test_what_names_no_pair_of_ours_tells_nothing() -> None:
    fold = Sighting(lambda _: "status-0")
    for fact in (
        said("hi", 0),
        said("hi", 0, "+1415555XXXX", MG),
        replace(spoke(ONE, MG), message_status="received"),
        replace(spoke(ONE, MG), provenance="backfill"),
        replace(spoke(ONE, MG), from_=MG),
        replace(spoke(ONE, MG), raw={}),
    ):
        assert fold(None, fact) == (None, [])


def test_a_pair_is_told_when_it_is_new_and_once_a_day() -> None:
    fold = Sighting(lambda _: "inbound-1")
    state: Any = None
    told = []
    for minute in (0, 1, 2, DAY, DAY + 1, 3 * DAY):
        state, more = fold(state, said("hi", minute, ONE, MG))
        told += more
    assert [one.at for one in told] == [at(0), at(DAY), at(3 * DAY)]
    assert {one.part for one in told} == {"inbound-1"}
    assert fold.key(said("hi", 0, THREE, MG)) == "acme|inbound-1"


def test_a_row_that_is_full_says_so_once_and_goes_on_with_what_it_has() -> None:
    fold = Sighting(lambda _: "status-0")
    state: Any = None
    for number in range(MOST_MEMBERSHIPS):
        state, _ = fold(state, spoke(f"+1415{2_000_000 + number}", MG))
    assert not state.full
    state, told = fold(state, spoke(ONE, MG))
    assert [one.full for one in told] == [True]
    assert fold(state, spoke(TWO, MG)) == (state, [])
    _, again = fold(state, spoke("+14152000000", MG, DAY))
    assert len(again) == 1
