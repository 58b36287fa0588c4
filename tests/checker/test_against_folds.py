"""The checker's own answers and the product's folds agree on histories that nobody thought of."""

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.checker.check import check
from services.checker.finding import Finding
from services.checker.history import Entry, History
from services.checker.topics import DELIVERY_ROWS
from services.contract.codec import encode
from services.contract.topics import topic_of
from services.domain.consent.commands import ContactLinked
from services.domain.consent.standing import Standing
from services.domain.due import Due
from services.domain.messages import sessions
from services.domain.messages.consent import Suppressing
from services.domain.messages.events import DeliveryChanged, InboundReceived
from services.domain.messages.ladder import Delivery
from tests.domain.histories import Fact, callback, created, play, reorderings
from tests.domain.sessions_oracle import OTHER, SENDER, at, listed, wrote
from tests.domain.suppression_oracle import CONTACT
from tests.domain.test_deliverability import count
from tests.domain.test_suppression_any_order import OTHERS, statements

_FOLD = Suppressing({})
_CONTACTS = [CONTACT, *OTHERS]


def logged(events: Iterable[msgspec.Struct]) -> list[Entry]:
    """A log of one partition, in this order."""
    entries: list[Entry] = []
    ends: Counter[str] = Counter()
    for number, event in enumerate(events):
        topic = topic_of(event)
        entries.append(Entry(topic.name, 0, ends[topic.name], number, topic.key(event).encode(), encode(event), ()))
        ends[topic.name] += 1
    return entries


def find(entries: Sequence[Entry], *promises: str) -> list[Finding]:
    found = check(History(entries, at_rest=True))
    return [finding for finding in found if any(promise in finding.promise for promise in promises)]


@given(reorderings())
def test_where_a_message_stands(case: tuple[list[Fact], list[Fact]]) -> None:
    _, facts = case
    state, emitted = play(facts)
    row = Entry(DELIVERY_ROWS, 0, 0, 0, b"SM1 acme", encode(state), ())
    counted = [one for one in emitted if isinstance(one, DeliveryChanged)]
    entries = [*logged([*facts, *emitted, *count(counted)[1]]), row]
    for finding in find(entries, "each message stands", "each message is counted"):
        assert (finding.checked, finding.lost, finding.doubled, finding.wrong) == (1, [], [], [])


def _told(one: Any) -> tuple[Any, ...]:
    return type(one), one.contact, one.status, one.error_code


@given(reorderings())
@example(([callback("canceled", contact=CONTACT, command_id=None), created("queued", segments=None)], []))
def test_that_a_message_stands_elsewhere_is_found(case: tuple[list[Fact], list[Fact]]) -> None:
    """A fold that saw one fact less than the log holds, where that fact moved the message, or told a person its end.

    The end is told again when its command becomes known, which moves nothing.
    """
    facts, _ = case
    less, emitted = play(facts[:-1]) if len(facts) > 1 else (None, [])
    whole, more = play(facts[-1:], less)
    assert isinstance(whole, Delivery)
    counted = [one for one in emitted if isinstance(one, DeliveryChanged)]
    found = find(logged([*facts, *emitted, *count(counted)[1]]), "each message stands", "each message is counted")
    told = {_told(one) for one in emitted}
    mattered = any(isinstance(one, DeliveryChanged) or _told(one) not in told for one in more)
    assert all(finding.ok for finding in found) is not mattered


@st.composite
def worlds(draw: st.DrawFn) -> list[Any]:
    """What several contacts said, some of whom are one person, in some order and some of it twice."""
    told = [fact for number in range(draw(st.integers(1, 7))) for fact in _of_somebody(draw, number)]
    repeated = draw(st.lists(st.sampled_from(told), max_size=4)) if told else []
    return draw(st.permutations(told + repeated))


def _of_somebody(draw: st.DrawFn, number: int) -> list[Any]:
    contact = draw(st.sampled_from(_CONTACTS))
    facts = [replace(fact, contact=contact) for fact in draw(statements(number)) if not isinstance(fact, ContactLinked)]
    return [
        replace(fact, linked=[name for name in fact.linked if name != contact])
        if isinstance(fact, InboundReceived)
        else fact
        for fact in facts
    ]


def folded(facts: Sequence[Any]) -> list[Any]:
    """The facts and all that follows, what contacts tell each other among it."""
    rows: dict[str, Standing | None] = {}
    waiting, events = deque(facts), []
    while waiting:
        fact = waiting.popleft()
        events.append(fact)
        rows[fact.contact], derived = _FOLD(rows.get(fact.contact), fact)
        # What is told to a contact stands on the log once, and is folded from there.
        waiting += [one for one in derived if isinstance(one, ContactLinked)]
        events += [one for one in derived if not isinstance(one, ContactLinked)]
    return events


@given(worlds())
def test_who_may_be_written_to(facts: list[Any]) -> None:
    for finding in find(logged(folded(facts)), "may be written to", "same fact has"):
        assert finding.ok, finding


@given(worlds().filter(bool), st.integers(min_value=0))
def test_that_a_statement_was_not_heard_is_found(facts: list[Any], which: int) -> None:
    """A fold that never saw one of the facts, where that changes the answer."""
    missed = facts[which % len(facts)]
    deaf = [event for event in folded([fact for fact in facts if fact != missed]) if event not in facts]
    heard = [event for event in folded(facts) if event not in facts]

    def answers(events: Sequence[Any]) -> dict[str, Any]:
        told = [event for event in events if type(event).__name__ == "SuppressionChanged"]
        return {event.contact: event.suppressed for event in told}

    silent = {contact: {} for contact in _CONTACTS}
    if silent | answers(deaf) != silent | answers(heard):
        # The order of topics is all the same; that of a contact's answers is kept.
        (finding,) = find(logged([*facts, *deaf]), "may be written to")
        assert not finding.ok


@given(
    st.lists(
        st.builds(
            lambda here, *given, **named: (wrote if here else listed)(*given, **named),
            st.booleans(),
            st.sampled_from([0, 1, 12, 23, 24, 25, 47]),
            st.sampled_from(["SM1", "SM2", "SM3"]),
            st.sampled_from([SENDER, OTHER]),
        ),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from([0, 23, 24, 25, 48, 71, 72, 100]),
)
def test_which_windows_are_open(messages: list[InboundReceived], hour: float) -> None:
    state, events = None, []
    for message in messages:
        state, told = sessions.fold(state, message)
        events += [message, *told]
    while state is not None and (due := sessions.due(state)) is not None and due <= at(hour):
        state, told = sessions.fold(state, Due(key=CONTACT, at=due))
        events += told
    (finding,) = find(logged(events), "windows are open")
    assert (finding.checked, finding.lost, finding.wrong) == (1, [], [])
