"""Commands of keyword rules: each message once and within its caps, whatever comes twice, late, or from whom."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.domain.clock import later, seconds_between
from services.domain.due import Due
from services.domain.messages.commands import NamedTemplate, SendMessage
from services.domain.messages.events import KeywordHeard, MostCommands
from services.domain.messages.keyword_rules import LONGEST_PLACE, WRITER, RuleCommand
from services.domain.rules.commanded import Commanded, CommandsMade, due, fold, lists, row_key
from services.domain.rules.making import Command, Made, cleaned, make
from services.domain.studio.commands import StartExecution

T = "2026-02-21T18:00:00.000Z"
PERSON, OURS, ON_CALL = "+14155550123", "+14155550100", "+14155550177"
MOST = MostCommands(per_hour=3, per_day=5)
SERVICE, FLOW = "MG" + "1" * 32, "FW" + "1" * 32


def heard(event_id: str = "k1", at: str = T, **fields: Any) -> KeywordHeard:
    known: dict[str, Any] = {
        "event_id": event_id, "tenant": "acme", "received_at": at, "contact": "acme|c0ffee", "account_sid": "AC1",
        "message_sid": "SM1", "inbound_event_id": "i1", "rule": "oncall", "values": {"text": "fire"},
        "from_": PERSON, "to": OURS, "command": MOST,
    }  # fmt: skip
    return KeywordHeard(**known | fields)


def rule(**fields: Any) -> RuleCommand:
    known: dict[str, Any] = {"to": (ON_CALL,), "most": MOST, "body": "{writer}: {text}", "sender": SERVICE}
    return RuleCommand(**known | fields)


def made(by: RuleCommand, of: KeywordHeard | None = None, now: str = T, ours: Iterable[str] = (OURS,)) -> Made:
    return make(by, of or heard(), now, frozenset(ours).__contains__)


def only(found: Made) -> Any:
    assert found.why_not is None
    [command] = found.commands
    return command


def test_a_text_goes_to_who_is_on_call_with_what_was_written_and_by_whom() -> None:
    command = only(made(rule(urgent=True, label="oncall")))
    assert isinstance(command, SendMessage)
    assert (command.to, command.body) == (ON_CALL, f"{PERSON}: fire")
    assert (command.messaging_service_sid, command.from_) == (SERVICE, None)
    assert (command.tenant, command.urgent, command.label) == ("acme", True, "oncall")
    # The answer belongs to the question: later it does not go.
    assert command.not_after == later(T, 900)


def test_an_id_follows_from_the_message_and_the_rule_and_tells_no_number() -> None:
    team = rule(to=(ON_CALL, "+14155550178"))
    ids = [[one.command_id for one in made(team, heard(), now).commands] for now in (T, later(T, 60))]
    assert ids[0] == ids[1]
    assert len({*ids[0]}) == 2
    other = made(team, heard("k2"))
    assert not {*ids[0]} & {one.command_id for one in other.commands}
    # Whom it is for is no part of it.
    assert [one.command_id for one in made(rule(to=("+14155550111",))).commands] == ids[0][:1]


@pytest.mark.parametrize(
    ("from_", "to", "asked", "gets"),
    [
        # Where nothing else is said, the sender that they wrote to answers, on their channel.
        (PERSON, OURS, {}, (PERSON, OURS)),
        (f"whatsapp:{PERSON}", f"whatsapp:{OURS}", {}, (f"whatsapp:{PERSON}", f"whatsapp:{OURS}")),
        # Another channel, of the same number: by the sender that is named, else as routing has it.
        (PERSON, OURS, {"channel": "whatsapp", "sender": "whatsapp:+14155550101"},
         (f"whatsapp:{PERSON}", "whatsapp:+14155550101")),
        (f"whatsapp:{PERSON}", f"whatsapp:{OURS}", {"channel": "sms"}, (PERSON, None)),
        (f"rcs:{PERSON}", "rcs:acme_agent", {"channel": "sms", "sender": OURS}, (PERSON, OURS)),
        # A person without a number has no other channel.
        ("whatsapp:US.13491208655302741918", f"whatsapp:{OURS}", {"channel": "sms"}, None),
        ("messenger:1034", "messenger:1", {"channel": "sms"}, None),
    ],
)  # fmt: skip
def test_who_wrote_is_written_to_where_they_are_or_by_another_channel(
    from_: str, to: str, asked: dict[str, Any], gets: tuple[str, str | None] | None
) -> None:
    found = made(rule(**{"to": (WRITER,), "sender": None, "body": "ok"} | asked), heard(from_=from_, to=to))
    if gets is None:
        assert found == Made((), "unreachable")
    else:
        command = only(found)
        assert (command.to, command.from_) == gets


def test_it_may_go_later_be_a_template_or_start_a_flow() -> None:
    reminder = only(made(rule(to=(WRITER,), after_s=3600, within_s=60)))
    assert (reminder.not_before, reminder.not_after) == (later(T, 3600), later(T, 3660))
    named = rule(body=None, template=NamedTemplate(name="acked"), variables={"1": "{text}", "2": "by {writer}"})
    template = only(made(named))
    assert (template.body, template.template) == (None, NamedTemplate(name="acked"))
    assert template.content_variables == {"1": "fire", "2": f"by {PERSON}"}
    flow = only(made(rule(to=(WRITER,), body=None, flow=FLOW, variables={"said": "{text}"})))
    assert isinstance(flow, StartExecution)
    assert (flow.to, flow.flow_sid, flow.parameters) == (PERSON, FLOW, {"said": "fire"})
    # Somebody who is in a flow stays in it.
    assert flow.conflict == "leave"


@pytest.mark.parametrize(
    ("of", "now", "why"),
    [
        # From before a limit: out of a spool, a poller that was away, a replay.
        (heard(at=later(T, -901)), T, "old"),
        # A sender of ours writes to us: two of them would answer each other.
        (heard(from_=ON_CALL), T, "ours"),
        (heard(from_=f"whatsapp:{ON_CALL}"), T, "ours"),
        (heard(values={"text": "\u202e\u0000"}), T, "empty"),
    ],
)
def test_of_some_messages_nothing_is_made(of: KeywordHeard, now: str, why: str) -> None:
    assert made(rule(to=("+14155550111",)), of, now, [OURS, ON_CALL]) == Made((), why)


def test_nothing_goes_to_a_sender_of_ours_and_the_others_get_theirs() -> None:
    found = made(rule(to=("+14155550111", ON_CALL, OURS)), ours=[ON_CALL])
    assert [one.to for one in found.commands] == ["+14155550111"]
    assert found.why_not == "ours"


@given(st.text(max_size=400))
def test_what_a_stranger_wrote_is_one_bounded_line_without_what_is_not_shown(text: str) -> None:
    found = cleaned(text)
    assert len(found) <= LONGEST_PLACE
    assert not {*found} & {*"\r\n\t\x00\x1b\u2028\u2029\u202d\u202e\u2066\ufeff\u200b\u200e"}
    assert cleaned(found) == found
    command = made(rule(body="say: {text}"), heard(values={"text": text})).commands
    # What somebody writes is no format, and names no place.
    assert all(one.body == f"say: {found}" for one in command if isinstance(one, SendMessage))


@pytest.mark.parametrize("text", ["{writer}", "{}", "{0.__class__}", "%s {text!r}"])
def test_a_value_is_no_format(text: str) -> None:
    assert only(made(rule(body="say: {text}"), heard(values={"text": text}))).body == f"say: {text}"


def test_a_rule_that_names_another_place_by_now_has_nothing_made_of_what_waits() -> None:
    """The settings changed between the message and its command, or ingress has not read them yet."""
    for changed in (
        rule(body="{id}: {text}"),
        rule(body=None, template=NamedTemplate(name="acked"), variables={"1": "{text}", "2": "{id}"}),
        rule(to=(WRITER,), body=None, flow=FLOW, variables={"id": "{id}"}),
    ):
        assert made(changed) == Made((), "empty")
    # A brace itself is no place.
    assert only(made(rule(body="{{id}} {text}"))).body == "{id} fire"


@pytest.mark.parametrize(
    "text",
    [
        "stop",
        "STOP!",
        "S.T.O.P",
        "please stop texting me",
        "stop, thank you",
        "unsubscribe",
        "arrêt",
        "cancel",
        "no me escriban mas",
    ],
)
def test_who_says_no_beside_a_rules_word_gets_nothing_and_a_person_is_told_of_it(text: str) -> None:
    """`ACK 17 STOP` is no keyword, neither ours nor Twilio's: so neither keeps us from writing to them."""
    found = made(
        rule(to=(WRITER, ON_CALL), sender=None, body="{writer}: {text}"), heard(values={"id": "17", "text": text})
    )
    assert [one.to for one in found.commands] == [ON_CALL]
    assert found.why_not == "no"
    yes = made(rule(to=(WRITER,), sender=None), heard(values={"text": "don't stop the pump"}))
    assert [one.to for one in yes.commands] == [PERSON]


# --- the row -----------------------------------------------------------------


def play(events: Iterable[KeywordHeard | CommandsMade | Due]) -> tuple[Commanded | None, list[Command]]:
    state: Commanded | None = None
    told: list[Command] = []
    for event in events:
        state, derived = fold(state, event)
        told += derived
    return state, told


def answered(event: KeywordHeard) -> CommandsMade:
    return CommandsMade(key=row_key(event), keyword_event_id=event.event_id, commands=made(rule(), event).commands)


def test_a_message_waits_until_its_commands_are_made_and_they_are_made_once() -> None:
    state, told = play([heard()])
    assert state is not None
    assert lists(state) == (f"open {T}",)
    assert told == []
    state, told = play([heard(), answered(heard()), heard(), answered(heard()), answered(heard())])
    assert state is not None
    assert (lists(state), len(told)) == ((), 1)
    # What it said stands in the row no longer.
    assert state.waiting == {}


def test_of_a_rule_without_a_command_nothing_is_kept() -> None:
    assert play([heard(command=None), replace(answered(heard()), keyword_event_id="k9")]) == (None, [])


def test_two_robots_that_answer_each_other_come_to_an_end() -> None:
    events = [heard(f"k{number}", later(T, 20 * number)) for number in range(100)]
    state, told = play(one for event in events for one in (event, answered(event)))
    assert len(told) == MOST.per_hour
    assert state is not None
    assert state.capped == 100 - MOST.per_hour
    # The next hour they may again, until the day's are gone.
    later_on = [heard(f"m{number}", later(T, 4 * 3600 + 20 * number)) for number in range(100)]
    _, told = play(one for event in [*events, *later_on] for one in (event, answered(event)))
    assert len(told) == MOST.per_day


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[KeywordHeard], list[Any]]:
    """Messages of a day and a half, and what is folded of them: in any order, again and again, made meanwhile."""
    minutes = draw(st.lists(st.integers(0, 36 * 60), min_size=1, max_size=12))
    messages = [heard(f"k{number}", later(T, 60 * minute)) for number, minute in enumerate(minutes)]
    events = [one for message in messages for one in (message, answered(message))]
    repeated = draw(st.lists(st.sampled_from(events), max_size=12))
    return messages, draw(st.permutations([*events, *repeated]))


@given(histories())
def test_any_order_and_repetition_makes_each_command_once_and_never_more_than_the_caps(
    history: tuple[list[KeywordHeard], Sequence[Any]],
) -> None:
    messages, events = history
    # What was asked for before it was known is asked for again, as by a worker that takes the row over.
    state, told = play([*events, *map(answered, messages)])
    assert max(Counter(one.command_id for one in told).values(), default=1) == 1
    at = {made(rule(), one).commands[0].command_id: one.received_at for one in messages if made(rule(), one).commands}
    times = sorted(at[one.command_id] for one in told if one.command_id in at)
    for seconds, most in ((3600, MOST.per_hour), (86_400, MOST.per_day)):
        for first in times:
            assert sum(first <= one < later(first, seconds) for one in times) <= most
    if len(messages) <= MOST.per_hour:
        assert len(told) == len([one for one in messages if made(rule(), one).commands])
    assert state is not None
    assert state.waiting == {}


def test_a_row_is_forgotten_when_no_cap_looks_back_that_far_and_nothing_so_old_is_made() -> None:
    state, _ = play([heard(), answered(heard())])
    assert state is not None
    assert seconds_between(T, due(state)) > 86_400
    assert fold(state, Due(key="k", at=due(state))) == (None, ())
    # What comes again after that is too old for a command, by any rule: within_s is a day at the most.
    assert made(rule(within_s=86_400), now=due(state)) == Made((), "old")
    # In a row that goes on, it is not even taken.
    state, _ = play([heard("k2", later(T, 3 * 86_400))])
    assert fold(state, heard()) == (state, ())


def test_facts_of_a_day_are_kept_and_no_more() -> None:
    days = [heard(f"k{number}", later(T, number * 86_400 / 2)) for number in range(40)]
    state, _ = play(one for event in days for one in (event, answered(event)))
    assert state is not None
    assert len(state.taken) <= 6
    assert all(first < second for first, second in pairwise(state.taken.values()))
