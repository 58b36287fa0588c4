"""The suppression fold as histories: what was said and told, and whether we may write after it."""

from itertools import permutations
from typing import Any

import pytest

from services.contract import codec
from services.domain.consent.commands import ContactLinked
from services.domain.consent.events import ConsentRecorded, Suppression, SuppressionChanged
from services.domain.consent.joining import MOST_LINKS, MOST_MARKS, MOST_SCOPES
from services.domain.consent.standing import Consented, Standing, consented, suppressed
from services.domain.errors import CATALOGUE
from services.domain.messages.consent import Suppressing, parts
from tests.domain.suppression_oracle import (
    CONTACT,
    OTHER,
    PERSON,
    SENDER,
    SERVICE,
    WHATSAPP,
    Derived,
    Fact,
    at,
    history,
    linked,
    listed,
    refused,
    shared,
    stated,
    wrote,
)
from tests.sender.histories import accepted

FOLD = Suppressing({})
SMS, OTHER_SMS, BY_WHATSAPP = f"sender:{SENDER}", f"sender:{OTHER}", f"sender:{WHATSAPP}"
BY_SERVICE = f"service:{SERVICE}"


def play(facts: list[Fact], state: Standing | None = None) -> tuple[Standing | None, list[Derived]]:
    return history(FOLD, facts, state)


def closed(facts: list[Fact]) -> list[str]:
    """The scopes in which we may not write after these facts."""
    return sorted(suppressed(play(facts)[0]))


def changes(emitted: list[Derived]) -> list[list[str]]:
    return [sorted(one.suppressed) for one in emitted if isinstance(one, SuppressionChanged)]


def evidence(emitted: list[Derived]) -> list[ConsentRecorded]:
    return [one for one in emitted if isinstance(one, ConsentRecorded)]


@pytest.mark.parametrize(
    ("fact", "scopes", "source"),
    [
        pytest.param(wrote("STOP"), [SMS], "keyword", id="a keyword"),
        pytest.param(wrote("alto"), [SMS], "keyword", id="a word of the tenant"),
        pytest.param(wrote("STOP", to=WHATSAPP), [BY_WHATSAPP], "keyword", id="by WhatsApp"),
        pytest.param(wrote("STOP", service=SERVICE), [SMS, BY_SERVICE], "keyword", id="through a service"),
        pytest.param(wrote("arrêter", told="STOP"), [SMS], "opt_out_type", id="what Twilio understood"),
        pytest.param(listed("STOP"), [SMS], "keyword", id="found in Twilio's list"),
        pytest.param(refused(), [SMS], "twilio_21610", id="a refusal for an opt-out"),
        pytest.param(refused(sender=WHATSAPP), [BY_WHATSAPP], "twilio_21610", id="a refusal by WhatsApp"),
        pytest.param(stated("opt_out"), ["tenant"], "command", id="a command for the tenant"),
        pytest.param(stated("opt_out", scope=BY_SERVICE), [BY_SERVICE], "command", id="a command for a service"),
        pytest.param(linked([shared("opt_out", 0, SMS, "SM1")]), [SMS], "keyword", id="said at another address"),
    ],
)
def test_a_no_of_any_source_suppresses_its_scopes(fact: Fact, scopes: list[str], source: str) -> None:
    state, emitted = play([fact])
    held = suppressed(state)
    assert sorted(held) == scopes
    assert {one.source for one in held.values()} == {source}
    assert {one.since for one in held.values()} == {at(0)}
    assert changes(emitted) == [scopes]
    assert [(one.action, one.source, sorted(one.scopes)) for one in evidence(emitted)] == [("opt_out", source, scopes)]


@pytest.mark.parametrize(
    "fact",
    [
        pytest.param(wrote("hello"), id="a message that is no keyword"),
        pytest.param(wrote("YES", to=WHATSAPP), id="a yes by WhatsApp"),
        pytest.param(wrote("help", told="HELP"), id="a call for help"),
        pytest.param(refused(code=30003), id="another error"),
        pytest.param(refused(code=None), id="a message that arrived"),
        pytest.param(wrote("hello", linked=CONTACT), id="a link to itself"),
        pytest.param(accepted(), id="a command to send"),
    ],
)
def test_what_says_nothing_of_consent_leaves_nothing(fact: Fact) -> None:
    assert play([fact]) == (None, [])
    state, _ = play([wrote("STOP")])
    assert play([fact], state) == (state, [])


def test_an_end_that_is_not_folded_would_have_changed_nothing() -> None:
    ends = [refused(code=code) for code in (None, 1, *CATALOGUE)]
    assert {end.error_code for end in ends if parts(end)} >= {21610}
    for state in (None, play([wrote("STOP"), wrote("START", 90)])[0]):
        for end in ends:
            assert parts(end) or FOLD(state, end) == (state, [])
    assert parts(wrote("hello")) == (wrote("hello"),)


@pytest.mark.parametrize(
    ("facts", "scopes"),
    [
        pytest.param([wrote("STOP"), wrote("START", 60, "SM2")], [SMS], id="a minute later is too close"),
        pytest.param([wrote("STOP"), wrote("START", 60.001, "SM2")], [], id="a millisecond more is enough"),
        pytest.param([wrote("STOP", 61), wrote("START", 0, "SM2")], [SMS], id="it came before"),
        pytest.param([wrote("STOP", 30), wrote("START", 30, "SM2")], [SMS], id="both at once"),
        pytest.param([wrote("START", 90, "SM2"), wrote("STOP")], [], id="the later is heard first"),
        pytest.param([wrote("STOP"), wrote("START", 90, "SM2"), wrote("STOP", 95, "SM3")], [SMS], id="no, yes, no"),
        pytest.param(
            [wrote("STOP"), wrote("STOP", 50, "SM3"), wrote("START", 90, "SM2")], [SMS], id="the second no stands"
        ),
        pytest.param([wrote("STOP"), wrote("YES", 61, "SM2")], [], id="a yes by SMS"),
        pytest.param(
            [wrote("STOP", to=WHATSAPP), wrote("YES", 61, "SM2", to=WHATSAPP)], [BY_WHATSAPP], id="a yes by WhatsApp"
        ),
        pytest.param(
            [wrote("STOP", to=WHATSAPP), wrote("SUBSCRIBE", 61, "SM2", to=WHATSAPP)], [], id="a word of WhatsApp"
        ),
        pytest.param([wrote("STOP"), wrote("quiero", 61, "SM2")], [], id="a word of the tenant"),
        pytest.param([wrote("STOP"), wrote("ja", 61, "SM2", told="START")], [], id="a yes that Twilio understood"),
        pytest.param([refused(), wrote("START", 61)], [], id="a yes after a refusal"),
        pytest.param([wrote("START", 0), refused(61)], [SMS], id="a refusal after a yes"),
        pytest.param([stated("opt_out"), stated("opt_in", 60, command="c2")], ["tenant"], id="commands a minute apart"),
        pytest.param([stated("opt_out"), stated("opt_in", 61, command="c2")], [], id="commands more than that apart"),
        pytest.param([stated("opt_in"), stated("opt_out", 5, command="c2")], ["tenant"], id="a no needs no horizon"),
    ],
)
def test_a_yes_releases_what_came_more_than_a_minute_before(facts: list[Fact], scopes: list[str]) -> None:
    assert closed(facts) == scopes


@pytest.mark.parametrize(
    ("facts", "scopes"),
    [
        pytest.param([listed("STOP"), listed("START", 0, "SM2")], [SMS], id="the same second"),
        pytest.param([listed("STOP"), listed("START", 1, "SM2")], [], id="a second later"),
        pytest.param([listed("STOP", 1), listed("START", 0, "SM2")], [SMS], id="a second before"),
        pytest.param([listed("STOP"), wrote("START", 60, "SM2")], [SMS], id="one date alone needs the minute"),
        pytest.param([wrote("STOP"), listed("START", 60, "SM2")], [SMS], id="and so does the other"),
        pytest.param([listed("STOP"), wrote("START", 61, "SM2")], [], id="one date, and more than a minute"),
        pytest.param([wrote("STOP"), listed("START", 61, "SM2")], [], id="the other date, and more than a minute"),
        pytest.param(
            [wrote("STOP"), wrote("START", 2, "SM2"), listed("STOP"), listed("START", 1, "SM2")],
            [],
            id="the dates tell what the arrivals did not",
        ),
        pytest.param(
            [wrote("STOP", 0), wrote("START", 300, "SM2"), listed("START", -9, "SM2"), listed("STOP", -5)],
            [SMS],
            id="a yes that came late was said before",
        ),
        pytest.param([listed("STOP"), listed("START", 1, "SM2"), refused(2)], [SMS], id="what has no date of its own"),
        pytest.param([refused(0), listed("START", 59, "SM2")], [SMS], id="a refusal has no date, so the minute it is"),
        pytest.param(
            [stated("opt_out", scope=SMS), listed("START", 60, "SM2")], [SMS], id="nor has a command's own word"
        ),
    ],
)
def test_dates_of_both_messages_stand_in_for_the_minute(facts: list[Fact], scopes: list[str]) -> None:
    assert closed(facts) == scopes
    assert closed(facts[::-1]) == scopes


@pytest.mark.parametrize(
    ("facts", "scopes"),
    [
        pytest.param([wrote("STOP"), wrote("START", 90, "SM2", to=OTHER)], [SMS], id="a yes to another sender"),
        pytest.param([wrote("STOP"), wrote("START", 90, "SM2", to=WHATSAPP)], [SMS], id="a yes by WhatsApp"),
        pytest.param(
            [wrote("STOP", service=SERVICE), wrote("START", 90, "SM2")], [BY_SERVICE], id="a yes outside the service"
        ),
        pytest.param([wrote("STOP", service=SERVICE), wrote("START", 90, "SM2", service=SERVICE)], [], id="within it"),
        pytest.param(
            [wrote("STOP", service=SERVICE), wrote("START", 90, "SM2", to=OTHER, service=SERVICE)],
            [SMS],
            id="within it to another sender",
        ),
        pytest.param([stated("opt_out"), wrote("START", 90)], ["tenant"], id="a no to all outlasts a yes to one"),
        pytest.param(
            [stated("opt_out"), stated("opt_in", 90, SMS, "c2")], ["tenant"], id="by a command for one as well"
        ),
        pytest.param([wrote("STOP"), stated("opt_in", 90)], [], id="a yes for all releases one"),
        pytest.param(
            [wrote("STOP", service=SERVICE), refused(1, sender=WHATSAPP), stated("opt_in", 90)],
            [],
            id="a yes for all releases each",
        ),
        pytest.param([wrote("STOP"), stated("opt_in", 60)], [SMS], id="a yes for all needs the minute too"),
        pytest.param(
            [wrote("STOP"), stated("opt_in", 90), wrote("STOP", 100, "SM3")], [SMS], id="and ends with the next no"
        ),
        pytest.param(
            [wrote("STOP"), stated("opt_out", 1), wrote("START", 90, "SM2")], ["tenant"], id="of two, one released"
        ),
        pytest.param([stated("opt_out", scope=BY_SERVICE), wrote("START", 90)], [BY_SERVICE], id="a service by itself"),
    ],
)
def test_a_yes_releases_its_own_scopes_and_one_for_all_releases_all(facts: list[Fact], scopes: list[str]) -> None:
    assert closed(facts) == scopes
    assert closed(facts[::-1]) == scopes


def test_the_answer_names_the_earliest_no_that_stands() -> None:
    state, _ = play(
        [wrote("STOP", 200, "SM3"), wrote("START", 100, "SM2"), wrote("STOP", 0), wrote("STOP", 300, "SM4")]
    )
    assert suppressed(state) == {SMS: Suppression(since=at(200), evidence="webhook SM3", source="keyword")}


def test_nobody_who_said_nothing_is_suppressed() -> None:
    assert suppressed(None) == {}
    assert consented(None, [SMS]) is None


def test_changes_are_told_as_they_come_and_only_then() -> None:
    _, emitted = play(
        [
            wrote("hello", 0, "SM0"),
            wrote("STOP", 1, "SM1", service=SERVICE),
            wrote("STOP", 2, "SM2"),
            wrote("START", 30, "SM3"),
            stated("opt_out", 40),
            wrote("START", 100, "SM4"),
            stated("opt_in", 200, command="c2"),
            stated("opt_in", 300, command="c3"),
        ]
    )
    assert changes(emitted) == [[SMS, BY_SERVICE], [SMS, BY_SERVICE, "tenant"], [BY_SERVICE, "tenant"], []]
    assert [one.at for one in emitted if isinstance(one, SuppressionChanged)] == [at(1), at(40), at(100), at(205)]
    assert len(evidence(emitted)) == 7


def test_evidence_tells_who_said_what_where_and_how() -> None:
    _, emitted = play(
        [
            wrote(" Stop! ", 1, "SM1", service=SERVICE),
            refused(2, "SM2"),
            stated("opt_in", 90, ip="198.51.100.7", user_agent="Browser", proof="form 12"),
        ]
    )
    shown = ("event_id", "event_type", "tenant", "contact")
    told = [
        {k: v for k, v in codec.decode(codec.encode(one), dict).items() if k not in shown and v is not None}
        for one in evidence(emitted)
    ]
    assert told == [
        {
            "at": at(1),
            "exact": False,
            "action": "opt_out",
            "scopes": [SMS, BY_SERVICE],
            "source": "keyword",
            "mark": "SM1",
            "evidence": "webhook SM1",
            "consents": False,
            "releases": True,
            "place": "body",
            "word": "stop",
            "message_sid": "SM1",
            "address": PERSON,
        },
        {
            "at": at(2),
            "exact": False,
            "action": "opt_out",
            "scopes": [SMS],
            "source": "twilio_21610",
            "mark": "SM2",
            "evidence": "outcome SM2",
            "consents": False,
            "releases": True,
            "message_sid": "SM2",
            "command_id": "order-18473",
        },
        {
            "at": at(90),
            "exact": False,
            "action": "opt_in",
            "scopes": ["tenant"],
            "source": "command",
            "mark": "command:c1",
            "evidence": "consent c1",
            "consents": True,
            "releases": True,
            "command_id": "c1",
            "address": PERSON,
            "given_at": at(90),
            "ip": "198.51.100.7",
            "user_agent": "Browser",
            "proof": "form 12",
        },
    ]
    assert {(one.tenant, one.contact) for one in evidence(emitted)} == {("acme", CONTACT)}


def test_what_was_found_with_its_date_is_recorded_once() -> None:
    state, emitted = play([listed("STOP", 0)])
    assert [(one.at, one.exact) for one in evidence(emitted)] == [(at(0), True)]
    # The webhook of the same message comes after and knows less.
    assert play([wrote("STOP", 3)], state) == (state, [])


def test_a_date_that_comes_later_corrects_since_when_and_is_told() -> None:
    state, emitted = play([wrote("STOP", 3), listed("STOP", 0)])
    assert suppressed(state) == {SMS: Suppression(since=at(0), evidence="backfill SM1", source="keyword")}
    assert [(one.mark, one.at, one.exact) for one in evidence(emitted)] == [("SM1", at(3), False), ("SM1", at(0), True)]
    told = [one for one in emitted if isinstance(one, SuppressionChanged)]
    assert [one.suppressed[SMS].since for one in told] == [at(3), at(0)]


def test_a_date_counts_even_if_our_clock_was_behind() -> None:
    for facts in ([wrote("STOP", 3), listed("STOP", 5)], [listed("STOP", 5), wrote("STOP", 3)]):
        state, _ = play(facts)
        assert suppressed(state)[SMS].since == at(5)
        # By the dates there was no yes after it.
        assert sorted(suppressed(play([listed("START", 4, "SM2")], state)[0])) == [SMS]


def test_of_two_arrivals_of_one_message_the_first_counts() -> None:
    first, again = wrote("START", 50, "SM2"), wrote("START", 90, "SM2", event_id="webhook SM2, once more")
    assert closed([wrote("STOP"), first, again]) == [SMS]
    assert closed([wrote("STOP"), again, first]) == [SMS]
    assert closed([wrote("STOP"), again]) == []


@pytest.mark.parametrize(
    "fact",
    [
        wrote("STOP"),
        wrote("STOP", service=SERVICE),
        wrote("START"),
        wrote("YES"),
        listed("STOP"),
        refused(),
        stated("opt_in"),
        stated("opt_out"),
        wrote("STOP", linked="acme|decaf"),
        wrote("hello", linked="acme|decaf"),
        linked([shared("opt_out", 0, SMS, "SM1"), shared("opt_in", 90, SMS, "SM2")]),
        linked([]),
    ],
)
def test_a_repeat_changes_nothing_and_tells_nothing(fact: Fact) -> None:
    state, emitted = play([fact])
    assert state is not None
    assert emitted
    assert play([fact, fact], state) == (state, [])


def test_a_repeat_of_all_that_came_before_tells_nothing() -> None:
    facts = [wrote("STOP"), wrote("START", 90, "SM2"), refused(100), stated("opt_in", 200), wrote("STOP", 250, "SM3")]
    state, _ = play(facts)
    assert play(facts, state) == (state, [])
    assert play(facts[::-1], state) == (state, [])


def test_ids_are_of_the_facts_and_of_nothing_else() -> None:
    facts = [wrote("STOP", service=SERVICE, linked="acme|decaf"), wrote("START", 90, "SM2"), stated("opt_out", 200)]
    once, again = play(facts)[1], play(facts)[1]
    assert [one.event_id for one in once] == [one.event_id for one in again]
    assert len({one.event_id for one in once}) == len(once)
    elsewhere = play([wrote("STOP", service=SERVICE, linked="acme|decaf", contact="acme|decade")])[1]
    assert not {one.event_id for one in once} & {one.event_id for one in elsewhere}


@pytest.mark.parametrize(
    ("facts", "latest"),
    [
        pytest.param([wrote("START", 1)], (at(1), "webhook SM1"), id="a keyword"),
        pytest.param([wrote("YES", 1)], None, id="a lifted block proves nothing"),
        pytest.param([wrote("ok", 1, told="START")], (at(1), "webhook SM1"), id="what Twilio understood"),
        pytest.param([wrote("SUBSCRIBE", 1, to=WHATSAPP)], None, id="by WhatsApp, which is another sender"),
        pytest.param([wrote("START", 1, to=OTHER)], None, id="to another sender"),
        pytest.param([stated("opt_in", 1)], (at(1), "consent c1"), id="to all"),
        pytest.param([stated("opt_in", 1, BY_SERVICE)], (at(1), "consent c1"), id="to the service"),
        pytest.param([stated("opt_in", 9), wrote("START", 1)], (at(9), "consent c1"), id="the latest of several"),
        pytest.param([stated("opt_in", 9), wrote("YES", 99)], (at(9), "consent c1"), id="the latest that proves it"),
        pytest.param([wrote("STOP", 1)], None, id="a no"),
    ],
)
def test_consent_is_the_latest_recorded_yes(facts: list[Fact], latest: tuple[str, str] | None) -> None:
    found = consented(play(facts)[0], [SMS, BY_SERVICE])
    assert found == (Consented(at=latest[0], evidence=latest[1]) if latest else None)


def people(
    facts: list[Any], known: dict[str, Standing | None] | None = None
) -> tuple[dict[str, Standing | None], list[Derived]]:
    """Contacts, after each was told what it has to hear, and what the others had to tell it."""
    states = dict(known or {})
    emitted: list[Derived] = []
    waiting = list(facts)
    while waiting:
        fact, *waiting = waiting
        states[fact.contact], derived = FOLD(states.get(fact.contact), fact)
        emitted += derived
        waiting += [one for one in derived if isinstance(one, ContactLinked)]
        assert len(emitted) < 200, "they never stop talking"
    return states, emitted


PHONE, SCOPED, THIRD = "acme|phone", "acme|scoped", "acme|third"


@pytest.mark.parametrize(
    ("facts", "scopes"),
    [
        pytest.param(
            [wrote("STOP", contact=PHONE), wrote("hello", 1, "SM2", contact=SCOPED, linked=PHONE)],
            [SMS],
            id="the old no is told when the link is found",
        ),
        pytest.param(
            [wrote("STOP", contact=SCOPED), wrote("hello", 1, "SM2", contact=SCOPED, linked=PHONE)],
            [SMS],
            id="the other way round",
        ),
        pytest.param(
            [wrote("hello", contact=SCOPED, linked=PHONE), wrote("STOP", 1, "SM2", contact=PHONE)],
            [SMS],
            id="the new no is told along the link",
        ),
        pytest.param(
            [wrote("hello", contact=SCOPED, linked=PHONE), wrote("STOP", 1, "SM2", contact=SCOPED)],
            [SMS],
            id="the other way round too",
        ),
        pytest.param([wrote("STOP", contact=SCOPED, linked=PHONE)], [SMS], id="the no itself links"),
        pytest.param(
            [wrote("STOP", contact=SCOPED, linked=PHONE), wrote("START", 90, "SM2", contact=PHONE, linked=SCOPED)],
            [],
            id="a yes that names both",
        ),
        pytest.param(
            [wrote("STOP", contact=PHONE), wrote("START", 90, "SM2", contact=SCOPED, linked=PHONE)],
            [],
            id="a yes that links",
        ),
        pytest.param(
            [wrote("STOP", contact=SCOPED, linked=PHONE), wrote("START", 60, "SM2", contact=PHONE, linked=SCOPED)],
            [SMS],
            id="with the same minute",
        ),
        pytest.param(
            [
                wrote("STOP", 9, contact=SCOPED, linked=PHONE),
                listed("START", 6, "SM2", contact=PHONE, linked=SCOPED),
                listed("STOP", 5, contact=SCOPED, linked=PHONE),
            ],
            [],
            id="with the same dates",
        ),
        pytest.param(
            [stated("opt_out", contact=PHONE), wrote("START", 90, contact=SCOPED, linked=PHONE)],
            ["tenant"],
            id="with the same scopes",
        ),
        pytest.param(
            [wrote("STOP", service=SERVICE, contact=SCOPED), wrote("hello", 1, "SM2", contact=SCOPED, linked=PHONE)],
            [SMS, BY_SERVICE],
            id="all of its scopes",
        ),
    ],
)
def test_what_holds_for_one_address_of_a_person_holds_for_both(facts: list[Any], scopes: list[str]) -> None:
    states, emitted = people(facts)
    assert {name: sorted(suppressed(state)) for name, state in states.items()} == {PHONE: scopes, SCOPED: scopes}
    assert suppressed(states[PHONE]) == suppressed(states[SCOPED])
    for name in (PHONE, SCOPED):
        told = [one.suppressed for one in emitted if isinstance(one, SuppressionChanged) and one.contact == name]
        assert (told[-1] if told else {}) == suppressed(states[name])
    assert people(facts, states) == (states, [])


def test_three_addresses_in_a_row_are_one_person() -> None:
    chain = [
        wrote("hello", 0, "SM1", contact=SCOPED, linked=PHONE),
        wrote("hello", 1, "SM2", contact=THIRD, linked=SCOPED),
    ]
    said = [
        wrote("STOP", 2, "SM3", contact=PHONE),
        wrote("START", 90, "SM4", contact=THIRD, linked=[SCOPED, PHONE]),
    ]
    states, _ = people([*chain, said[0]])
    assert {name: sorted(suppressed(state)) for name, state in states.items()} == {
        name: [SMS] for name in (PHONE, SCOPED, THIRD)
    }
    states, emitted = people(said[1:], states)
    assert [suppressed(state) for state in states.values()] == [{}, {}, {}]
    assert {one.contact for one in evidence(emitted)} == {PHONE, SCOPED, THIRD}
    late, _ = people([*said, *chain])
    assert [suppressed(state) for state in late.values()] == [{}, {}, {}]
    assert {name: (state.outs, state.ins) for name, state in late.items() if state} == {
        name: (state.outs, state.ins) for name, state in states.items() if state
    }


@pytest.mark.parametrize(
    ("yes", "stopped"),
    [
        pytest.param(wrote("START", 90, "SM4", contact=THIRD), [PHONE, SCOPED], id="at one name"),
        pytest.param(wrote("START", 90, "SM4", contact=PHONE), [SCOPED, THIRD], id="at another"),
        pytest.param(wrote("START", 90, "SM4", contact=THIRD, linked=SCOPED), [PHONE], id="at two of three"),
        pytest.param(stated("opt_in", 90, contact=SCOPED), [PHONE, THIRD], id="by a command"),
        pytest.param(wrote("START", 90, "SM4", contact=THIRD, linked=[PHONE, SCOPED]), [], id="at all of them"),
    ],
)
def test_a_yes_lifts_what_stands_at_the_names_that_it_states_and_at_no_other(yes: Fact, stopped: list[str]) -> None:
    """A number may be somebody else's by now: their START is no word of whoever had it before."""
    facts = [
        wrote("hello", 0, "SM1", contact=SCOPED, linked=PHONE),
        wrote("hello", 1, "SM2", contact=THIRD, linked=SCOPED),
        # Whoever said it.
        wrote("STOP", 2, "SM3", contact=PHONE),
        yes,
    ]
    for order in permutations(facts):
        states, _ = people(list(order))
        assert sorted(name for name, state in states.items() if suppressed(state)) == stopped


def test_a_link_that_is_found_later_brings_the_no_and_not_the_yes() -> None:
    states, _ = people(
        [
            wrote("STOP", 1, "SM1", contact=PHONE),
            wrote("START", 90, "SM2", contact=PHONE),
            wrote("STOP", 5, "SM3", contact=SCOPED),
            wrote("hello", 200, "SM4", contact=SCOPED, linked=PHONE),
        ]
    )
    assert suppressed(states[PHONE]) == {}
    assert sorted(suppressed(states[SCOPED])) == [SMS]


def test_one_webhook_may_name_a_phone_an_id_and_a_parent_id() -> None:
    states, _ = people([wrote("STOP", contact=PHONE, linked=[SCOPED, THIRD])])
    assert {name: sorted(suppressed(state)) for name, state in states.items()} == {
        name: [SMS] for name in (PHONE, SCOPED, THIRD)
    }


def test_three_addresses_in_a_ring_come_to_rest() -> None:
    ring = [
        wrote("hello", 0, "SM1", contact=SCOPED, linked=PHONE),
        wrote("hello", 1, "SM2", contact=THIRD, linked=SCOPED),
        wrote("STOP", 2, "SM3", contact=PHONE, linked=THIRD),
    ]
    states, _ = people(ring)
    assert [sorted(suppressed(state)) for state in states.values()] == [[SMS]] * 3
    assert people(ring, states) == (states, [])


def test_a_link_is_told_both_ways_with_every_no_that_is_known() -> None:
    state, emitted = play([wrote("STOP", 1), wrote("START", 90, "SM2"), wrote("hello", 91, "SM3", linked="acme|decaf")])
    assert state is not None
    assert state.links == ("acme|decaf",)
    [link] = [one for one in emitted if isinstance(one, ContactLinked)]
    assert (link.contact, link.linked, link.at) == ("acme|decaf", CONTACT, at(91))
    assert [(one.id, one.action, one.scope, one.mark.at) for one in link.marks] == [
        ("SM1", "opt_out", SMS, at(1)),
    ]
    # From now on the news alone.
    _, emitted = play([wrote("STOP", 95, "SM4")], state)
    [link] = [one for one in emitted if isinstance(one, ContactLinked)]
    assert [one.id for one in link.marks] == ["SM4"]


def test_who_was_told_a_mark_does_not_tell_it_back() -> None:
    state, _ = play([linked([])])
    _, emitted = play([linked([shared("opt_out", 0, SMS, "SM1")])], state)
    assert not [one for one in emitted if isinstance(one, ContactLinked)]


def test_of_many_statements_the_latest_stay() -> None:
    stops = [wrote("STOP", second, f"SM{second}") for second in range(MOST_MARKS + 3)]
    state, _ = play(stops)
    assert state is not None
    earlier = state.outs[SMS]["~earlier"]
    kept = sorted(mark.at for name, mark in state.outs[SMS].items() if name != "~earlier")
    assert kept == [at(second) for second in range(3, MOST_MARKS + 3)]
    assert (earlier.at, earlier.exact) == (at(2), False)
    assert play(stops, state) == (state, [])
    assert play(stops[::-1])[0] == state
    assert closed([*stops, wrote("START", MOST_MARKS + 62.001, "SM99")]) == []
    assert closed([*stops, wrote("START", MOST_MARKS + 61, "SM99")]) == [SMS]


def stops_to(count: int) -> list[Fact]:
    return [stated("opt_out", n, f"service:MG{n}", f"c{n}") for n in range(count)]


def test_who_says_no_to_more_senders_than_a_row_holds_is_left_alone_by_all() -> None:
    full = stops_to(MOST_SCOPES)
    assert len(closed(full)) == MOST_SCOPES
    assert "tenant" not in closed(full)
    state, _ = play(full)
    state, emitted = play([wrote("STOP", 99)], state)
    assert "tenant" in suppressed(state)
    assert SMS not in suppressed(state)
    assert len(evidence(emitted)) == len(changes(emitted)) == 1
    assert play([wrote("STOP", 99)], state) == (state, [])
    # A yes to that sender lifts nothing; one for all does.
    state, _ = play([wrote("START", 200, "SM2")], state)
    assert "tenant" in suppressed(state)
    state, _ = play([stated("opt_in", 300, command="all")], state)
    assert suppressed(state) == {}


def test_in_a_full_row_a_known_scope_takes_more() -> None:
    state, _ = play([wrote("STOP"), *stops_to(MOST_SCOPES - 1)])
    state, _ = play([wrote("STOP", 1, "SM2")], state)
    assert state is not None
    assert (len(state.outs), "tenant" in state.outs, len(state.outs[SMS])) == (MOST_SCOPES, False, 2)


def test_a_yes_is_never_widened() -> None:
    full = [stated("opt_in", n, f"service:MG{n}", f"c{n}") for n in range(MOST_SCOPES)]
    state, _ = play([*full, wrote("STOP", 0), stated("opt_out", 0, command="no")])
    assert play([wrote("START", 900, "SM2")], state) == (state, [])
    assert sorted(suppressed(state)) == [SMS, "tenant"]
    state, _ = play([stated("opt_in", 900, command="all")], state)
    assert suppressed(state) == {}


def test_a_person_has_only_so_many_addresses() -> None:
    state, _ = play([wrote("hello", n, f"SM{n}", linked=f"acme|{n}") for n in range(MOST_LINKS)])
    assert play([wrote("hello", 90, "SM90", linked="acme|one more")], state) == (state, [])
    # What was said there is joined all the same.
    state, _ = play([linked([shared("opt_out", 0, SMS, "SM1")], other="acme|one more")], state)
    assert state is not None
    assert (sorted(suppressed(state)), len(state.links)) == ([SMS], MOST_LINKS)


def test_the_state_survives_its_table() -> None:
    state, _ = play([wrote("STOP", linked="acme|decaf"), listed("START", 90, "SM2"), stated("opt_out", 99)])
    assert codec.decode(codec.encode(state), Standing) == state


def test_a_yes_and_a_no_under_one_id_are_two_statements() -> None:
    assert closed([linked([shared("opt_out", 0, SMS, "SM1"), shared("opt_in", 90, SMS, "SM1")])]) == []
    assert closed([linked([shared("opt_out", 0, SMS, "SM1"), shared("opt_in", 60, SMS, "SM1")])]) == [SMS]
