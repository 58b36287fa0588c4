"""The sessions fold as histories: messages and the clock in, windows and what is told of them out."""

import pytest

from services.contract import codec
from services.domain.due import Due
from services.domain.messages.events import InboundReceived
from services.domain.messages.sessions import MOST_REFUSALS, MOST_SENDERS, SessionChanged, due, fold
from services.domain.messages.windows import Seen, Sessions, Window, open_windows, seen
from tests.domain.sessions_oracle import CONTACT, OTHER, SENDER, Fact, at, ended, listed, wrote
from tests.sender.histories import accepted, outcome

MILLISECOND = 1 / 3_600_000


def play(facts: list[Fact | float], state: Sessions | None = None) -> tuple[Sessions | None, list[SessionChanged]]:
    """Fold messages; a number is an hour that the clock strikes, and whatever is due by then comes."""
    emitted: list[SessionChanged] = []
    for fact in facts:
        if isinstance(fact, Fact):
            state, derived = fold(state, fact)
            emitted += derived
            continue
        while state is not None and (moment := due(state)) is not None and moment <= at(fact):
            state, derived = fold(state, Due(key=CONTACT, at=moment))
            emitted += derived
    return state, emitted


def over(state: Sessions | None) -> dict[str, str]:
    """Those that are over and remembered."""
    return {sender: one.until for sender, one in (state.windows if state else {}).items() if one.over}


def open_until(state: Sessions | None, sender: str | None, service: str | None) -> str | None:
    found = seen(state, sender, service, {})
    return found.until if found.refused_at is None else None


def told(emitted: list[SessionChanged]) -> list[tuple[str, str, str]]:
    """What was told, in short: change, when, until when."""
    return [(one.change, one.at, one.until) for one in emitted]


@pytest.mark.parametrize(
    ("facts", "changes"),
    [
        pytest.param([wrote()], [("opened", at(0), at(24))], id="a message opens"),
        pytest.param(
            [wrote(), wrote(5, "SM2")],
            [("opened", at(0), at(24)), ("extended", at(5), at(29))],
            id="another extends",
        ),
        pytest.param([wrote(5, "SM2"), wrote()], [("opened", at(5), at(29))], id="an older one changes nothing"),
        pytest.param([wrote(), wrote()], [("opened", at(0), at(24))], id="a repeat changes nothing"),
        pytest.param([wrote(), wrote(0, "SM2")], [("opened", at(0), at(24))], id="nor does another of that moment"),
        pytest.param([wrote(), 23 - MILLISECOND], [("opened", at(0), at(24))], id="more than an hour left"),
        pytest.param([wrote(), 23], [("opened", at(0), at(24)), ("closing", at(23), at(24))], id="an hour left"),
        pytest.param(
            [wrote(), 23, 24 - MILLISECOND], [("opened", at(0), at(24)), ("closing", at(23), at(24))], id="a bit left"
        ),
        pytest.param(
            [wrote(), 23, 24],
            [("opened", at(0), at(24)), ("closing", at(23), at(24)), ("expired", at(24), at(24))],
            id="a day is over",
        ),
        pytest.param(
            [wrote(), 99],
            [("opened", at(0), at(24)), ("closing", at(23), at(24)), ("expired", at(24), at(24))],
            id="the clock strikes late",
        ),
        pytest.param(
            [wrote(), 23, wrote(23.5, "SM2"), 24, 46.5],
            [
                ("opened", at(0), at(24)),
                ("closing", at(23), at(24)),
                ("extended", at(23.5), at(47.5)),
                ("closing", at(46.5), at(47.5)),
            ],
            id="extended in the last hour",
        ),
        pytest.param(
            [wrote(), 24, wrote(30, "SM2")],
            [
                ("opened", at(0), at(24)),
                ("closing", at(23), at(24)),
                ("expired", at(24), at(24)),
                ("opened", at(30), at(54)),
            ],
            id="opened again",
        ),
        pytest.param(
            [wrote(), wrote(24, "SM2")],
            [("opened", at(0), at(24)), ("opened", at(24), at(48))],
            id="opened again before anybody told that it was over",
        ),
        pytest.param(
            [wrote(), wrote(24 - MILLISECOND, "SM2")],
            [("opened", at(0), at(24)), ("extended", at(24 - MILLISECOND), at(48 - MILLISECOND))],
            id="extended at the last moment",
        ),
        pytest.param([listed(3)], [("opened", at(90), at(27))], id="it counts from Twilio's date"),
        pytest.param(
            [wrote(3), listed(2.9)], [("opened", at(3), at(27))], id="the same message found in Twilio's list"
        ),
        pytest.param(
            [listed(2.9), wrote(3)],
            [("opened", at(90), at(26.9)), ("extended", at(3), at(27))],
            id="and heard of after it",
        ),
    ],
)
def test_a_history_tells(facts: list[Fact | float], changes: list[tuple[str, str, str]]) -> None:
    assert told(play(facts)[1]) == changes


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(wrote(from_="+14155550123", to="+14155550100"), id="a message by SMS"),
        pytest.param(outcome(), id="how a message of ours ended"),
        pytest.param(accepted(), id="a command"),
    ],
)
def test_nothing_else_opens_a_window(event: InboundReceived) -> None:
    assert fold(None, event) == (None, [])
    state, _ = play([wrote()])
    assert fold(state, event) == (state, [])


def test_a_window_knows_its_message_and_service() -> None:
    state, _ = play([wrote(1, "SM1", service="MG1"), wrote(2, "SM2", OTHER)])
    assert state == Sessions(
        tenant="acme",
        contact=CONTACT,
        windows={
            SENDER: Window(until=at(25), message_sid="SM1", service="MG1"),
            OTHER: Window(until=at(26), message_sid="SM2"),
        },
    )


def test_of_two_messages_of_one_moment_the_greater_id_stays_and_nothing_is_told_twice() -> None:
    state, _ = play([wrote(0, "SM1"), 23])
    state, emitted = play([wrote(0, "SM2", service="MG1")], state)
    assert state is not None
    assert (state.windows[SENDER], emitted) == (
        Window(until=at(24), message_sid="SM2", service="MG1", closing_told=True),
        [],
    )
    assert told(play([24], state)[1]) == [("expired", at(24), at(24))]


def test_each_sender_has_its_own_window_and_all_that_are_open_are_told() -> None:
    state, emitted = play([wrote(0), wrote(1, "SM2", OTHER), 23, 24, 25])
    assert (open_windows(state), over(state)) == ({}, {SENDER: at(24), OTHER: at(25)})
    assert [(one.change, one.sender, one.windows) for one in emitted] == [
        ("opened", SENDER, {SENDER: at(24)}),
        ("opened", OTHER, {SENDER: at(24), OTHER: at(25)}),
        ("closing", SENDER, {SENDER: at(24), OTHER: at(25)}),
        ("expired", SENDER, {OTHER: at(25)}),
        ("closing", OTHER, {OTHER: at(25)}),
        ("expired", OTHER, {}),
    ]
    assert {(one.tenant, one.contact) for one in emitted} == {("acme", CONTACT)}


def test_windows_of_one_moment_are_told_one_by_one() -> None:
    state, _ = play([wrote(0), wrote(0, "SM2", OTHER)])
    assert state is not None
    state, closing = fold(state, Due(key=CONTACT, at=at(23)))
    assert [(one.change, one.sender) for one in closing] == [("closing", SENDER), ("closing", OTHER)]
    state, expired = fold(state, Due(key=CONTACT, at=at(24)))
    assert (open_windows(state), over(state)) == ({}, {SENDER: at(24), OTHER: at(24)})
    assert [(one.change, one.sender, sorted(one.windows)) for one in expired] == [
        ("expired", SENDER, [OTHER]),
        ("expired", OTHER, []),
    ]


def test_a_timer_of_a_window_that_was_extended_tells_nothing() -> None:
    state, _ = play([wrote(0), wrote(5, "SM2")])
    assert fold(state, Due(key=CONTACT, at=at(23))) == (state, [])
    assert fold(None, Due(key=CONTACT, at=at(23))) == (None, [])


def test_a_timer_tells_what_should_have_been_told_before_with_its_own_time() -> None:
    state, _ = play([wrote(0), wrote(2, "SM2", OTHER)])
    _, emitted = fold(state, Due(key=CONTACT, at=at(25)))
    assert told(emitted) == [("closing", at(23), at(24)), ("closing", at(25), at(26))]


def test_a_timer_that_comes_twice_tells_once() -> None:
    state, _ = play([wrote(0), 23])
    assert fold(state, Due(key=CONTACT, at=at(23))) == (state, [])


def test_a_row_is_woken_for_its_next_change() -> None:
    state, _ = play([wrote(0), wrote(2, "SM2", OTHER)])
    assert state is not None
    woken = []
    while state is not None and (moment := due(state)) is not None:
        woken.append(moment)
        state, _ = fold(state, Due(key=CONTACT, at=moment))
    month = 29 * 24
    assert woken == [at(23), at(24), at(25), at(26), at(24 + month), at(26 + month)]


def test_when_a_window_was_over_is_remembered_for_a_month_so_that_a_replay_opens_nothing() -> None:
    replayed: list[Fact | float] = [wrote(0), wrote(5, "SM2"), wrote(5, "SM3")]
    state, _ = play([*replayed, 24 * 30 + 5 - MILLISECOND])
    assert (open_windows(state), over(state)) == ({}, {SENDER: at(29)})
    assert play([*replayed, 24 * 30], state) == (state, [])
    assert play([24 * 30 + 5], state) == (None, [])


def test_a_new_message_opens_again_and_takes_the_place_of_what_was_over() -> None:
    state, _ = play([wrote(0), wrote(0, "SM2", OTHER), 24])
    state, emitted = play([wrote(MILLISECOND, "SM3")], state)
    assert told(emitted) == [("opened", at(MILLISECOND), at(24 + MILLISECOND))]
    assert state is not None
    assert (list(open_windows(state)), over(state)) == ([SENDER], {OTHER: at(24)})
    assert OTHER not in open_windows(state)


def test_of_windows_that_are_over_a_row_remembers_the_latest() -> None:
    senders = [f"whatsapp:+141555501{number:02}" for number in range(MOST_SENDERS + 1)]
    state, _ = play([one for n, to in enumerate(senders) for one in (wrote(n, f"SM{n}", to), n + 24)])
    state, _ = play([99], state)
    assert state is not None
    assert (open_windows(state), sorted(over(state))) == ({}, senders[1:])


def test_ids_are_of_the_message_or_of_the_timer_alone() -> None:
    _, once = play([wrote(0), wrote(5, "SM2"), 99])
    _, again = play([wrote(0), wrote(5, "SM2"), 28, 29])
    assert [one.event_id for one in once] == [one.event_id for one in again]
    assert len({one.event_id for one in once}) == len(once) == 4
    # Another message of the same moment leads to the same timers.
    _, other = play([wrote(5, "SM3"), 99])
    assert [one.event_id for one in other][1:] == [one.event_id for one in once][2:]
    _, elsewhere = play([wrote(5, "SM3", contact="acme|decaf"), 99])
    assert not {one.event_id for one in elsewhere[1:]} & {one.event_id for one in other}


@pytest.mark.parametrize(
    ("sender", "service", "until"),
    [
        (SENDER, None, at(25)),
        (OTHER, None, at(26)),
        ("whatsapp:+14155550111", None, None),
        (None, "MG1", at(26)),
        (None, "MG2", None),
        (None, None, None),
        # A sender that is named is the one that sends.
        (SENDER, "MG1", at(25)),
        ("whatsapp:+14155550111", "MG1", None),
    ],
)
def test_one_may_write_from_the_sender_that_was_written_to(
    sender: str | None, service: str | None, until: str | None
) -> None:
    state, _ = play([wrote(1, "SM1", service="MG1"), wrote(2, "SM2", OTHER, service="MG1")])
    assert open_until(state, sender, service) == until
    assert open_until(None, sender, service) is None


def test_a_window_outside_the_service_is_not_the_services() -> None:
    state, _ = play([wrote(1, "SM1")])
    assert open_until(state, None, "MG1") is None


def test_beyond_what_a_row_holds_only_known_windows_go_on() -> None:
    full = [wrote(0, f"SM{n}", f"whatsapp:+141555501{n:02}") for n in range(MOST_SENDERS)]
    state, _ = play([*full])
    assert state is not None
    assert len(state.windows) == MOST_SENDERS
    assert play([wrote(1, "SM99", OTHER)], state) == (state, [])
    _, emitted = play([wrote(1, "SM99", full[0].to)], state)
    assert told(emitted) == [("extended", at(1), at(25))]


def test_the_last_moment_of_time_is_no_error() -> None:
    state, _ = fold(None, wrote(sent_at="9999-12-31T23:59:59.999Z"))
    assert state is not None
    assert state.windows[SENDER].until == "9999-12-31T23:59:59.999Z"
    assert due(state) == "9999-12-31T22:59:59.999Z"


def test_the_state_survives_its_table() -> None:
    for hour in (23, 24, 99):
        state, _ = play([wrote(0, service="MG1"), wrote(5, "SM2", OTHER), hour])
        assert codec.decode(codec.encode(state), Sessions) == state


@pytest.mark.parametrize(
    ("facts", "changes"),
    [
        pytest.param(
            [wrote(0), ended(20), 24],
            [("opened", at(0), at(24)), ("expired", at(20), at(24))],
            id="63016 closes the window, and no timer tells it again",
        ),
        pytest.param([ended(20), wrote(0), 24], [], id="a message that was written before it opens nothing"),
        pytest.param(
            [wrote(0), ended(20), wrote(21, "SM2")],
            [("opened", at(0), at(24)), ("expired", at(20), at(24)), ("opened", at(21), at(45))],
            id="the next message opens it again",
        ),
        pytest.param(
            [wrote(0), wrote(21, "SM2"), ended(22, made=20)],
            [("opened", at(0), at(24)), ("extended", at(21), at(45))],
            id="told late of a message that was made before they wrote",
        ),
        pytest.param(
            [wrote(0), wrote(21, "SM2"), ended(22), ended(22, made=20)],
            [
                ("opened", at(0), at(24)),
                ("extended", at(21), at(45)),
                ("expired", at(22), at(45)),
                ("opened", at(22), at(45)),
            ],
            id="when it was made is heard of later",
        ),
        pytest.param(
            [wrote(0), ended(20), ended(20), ended(21, "SM8")],
            [("opened", at(0), at(24)), ("expired", at(20), at(24))],
            id="twice, and of another message too",
        ),
        pytest.param(
            [wrote(0), 23, ended(23.5), 24],
            [("opened", at(0), at(24)), ("closing", at(23), at(24)), ("expired", at(23.5), at(24))],
            id="in its last hour",
        ),
        pytest.param([wrote(0), ended(20, sender=OTHER)], [("opened", at(0), at(24))], id="of another sender"),
        pytest.param([wrote(0), ended(20, error_code=30003)], [("opened", at(0), at(24))], id="another error"),
        pytest.param(
            [listed(0), ended(20)],
            [("opened", at(90), at(24)), ("expired", at(20), at(24))],
            id="the date of a message that came hours late",
        ),
        pytest.param(
            [wrote(0), ended(20), ended(21, error_code=None, status="delivered", created_at=None), ended(20), 24],
            [
                ("opened", at(0), at(24)),
                ("expired", at(20), at(24)),
                ("opened", at(21), at(24)),
                ("closing", at(23), at(24)),
                ("expired", at(24), at(24)),
            ],
            id="it arrived after all",
        ),
    ],
)
def test_a_message_that_came_too_late_closes_the_window(
    facts: list[Fact | float], changes: list[tuple[str, str, str]]
) -> None:
    state, emitted = play(facts)
    assert told(emitted) == changes
    assert all(one.windows == {} for one in emitted if one.change == "expired")
    assert len({one.event_id for one in emitted}) == len(emitted)
    assert codec.decode(codec.encode(state), Sessions | None) == state


def test_what_a_service_chose_wrongly_is_not_tried_by_it_again_until_they_write() -> None:
    state, _ = play([wrote(0, service="MG1"), ended(1, sender=OTHER, messaging_service_sid="MG1")])
    assert seen(state, None, "MG1", {}) == Seen(at(24), SENDER, at(1))
    assert seen(state, SENDER, None, {}) == Seen(at(24), SENDER)
    state, _ = play([wrote(2, "SM2", service="MG1")], state)
    assert seen(state, None, "MG1", {}) == Seen(at(26), SENDER)


def test_whether_an_open_window_is_the_services_may_not_be_known() -> None:
    state, _ = play([wrote(0), wrote(1, "SM2", OTHER)])
    assert seen(state, None, "MG1", {}) == Seen(unknown=(SENDER, OTHER))
    assert seen(state, None, "MG1", {SENDER: False, OTHER: True}) == Seen(at(25), OTHER)
    assert seen(state, None, "MG1", {SENDER: True, OTHER: True}) == Seen(at(25), OTHER)
    assert seen(state, None, "MG1", {SENDER: False, OTHER: False}) == Seen()
    # Of two windows the longer one, unless a message came too late for it.
    state, _ = play([ended(2, sender=OTHER)], state)
    assert seen(state, None, "MG1", {SENDER: True, OTHER: True}) == Seen(at(24), SENDER)
    assert seen(state, None, "MG1", {}) == Seen(unknown=(SENDER,))


def test_of_messages_that_came_too_late_a_row_remembers_the_latest() -> None:
    state, _ = play([ended(hour, f"SMx{hour}") for hour in range(MOST_REFUSALS + 3)])
    assert state is not None
    assert sorted(one.at for one in state.refusals.values()) == [at(hour) for hour in range(3, MOST_REFUSALS + 3)]
    assert play([24 * 31 + MOST_REFUSALS + 3], state) == (None, [])
