"""What stands on a tenant's own topic is held to the same promises as what stands on the shared one."""

import json
from typing import Any

from services.checker.facts import Facts
from services.checker.history import Entry, History
from services.checker.promises import dead, results
from services.contract.codec import encode
from services.contract.messages import MESSAGES
from services.contract.reading import NotACommand
from services.contract.signatures import sign
from services.contract.topic import own_topic
from services.contract.topics import topic_of
from services.domain.messages.intake import Rules
from services.domain.results import CommandResult
from services.runtime.folding.fold import Record
from services.sender.intake import Intake
from tests.sender.reading import read_message

AT_S = 1_800_000_000
KEY = b"a key of globex, long enough for one"
RULES = {
    "acme": Rules(contact_secret=b"a", lifetime=86_400.0),
    "globex": Rules(contact_secret=b"g", lifetime=86_400.0, producer_keys={"k": KEY}, signed=True),
}
OWN = own_topic(MESSAGES, "globex").name
WRONG = {"command_id": "c-1", "tenant": "acme", "to": "+14155550123", "from": "+14155550100", "body": "Hello"}


def history(topic: str, value: bytes, headers: list[tuple[str, bytes]], told: bool = True) -> Facts:
    """A record that is refused, and what intake tells of it."""
    record = Record(topic, 0, 3, AT_S * 1000, b"k", value, headers, by_broker=True)
    intake = Intake(RULES)
    try:
        said: Any = intake(None, read_message(record))[1]
    except NotACommand as error:
        said = intake.refused(record, str(error))
    assert [(type(one), one.step) for one in said] == [(CommandResult, "rejected")]
    entries = [Entry(topic, 0, 3, AT_S * 1000, b"k", value, tuple(headers))]
    for one in said if told else ():
        to = topic_of(one)
        entries.append(Entry(to.name, 0, 0, AT_S * 1000, to.key(one).encode(), encode(one), ()))
    return Facts(History(entries, at_rest=True))


def test_who_said_it_is_told_and_nothing_is_missed() -> None:
    value = json.dumps(WRONG).encode()
    unsigned = json.dumps(WRONG | {"tenant": "globex"}).encode()
    signed = [sign(MESSAGES.name, value, "globex/k", KEY, AT_S)]
    for topic, text, headers in ((OWN, value, []), (MESSAGES.name, value, signed), (MESSAGES.name, unsigned, [])):
        found = results.look(history(topic, text, headers))
        assert (found.checked, found.lost, found.doubled, found.wrong) == (1, [], [], [])
        assert results.look(history(topic, text, headers, told=False)).lost


def test_what_cannot_be_read_there_has_a_letter_among_the_others() -> None:
    facts = history(OWN, b"{", [])
    assert [one for one in dead.look(facts).lost if OWN in one]
    source = (("source-topic", OWN.encode()), ("source-partition", b"0"), ("source-offset", b"3"))
    letter = Entry(MESSAGES.dead, 0, 0, AT_S * 1000, b"k", b"{", (("reason", b"undecodable"), *source))
    entries = [*(one.entry for topic in facts.topics for one in facts.of(topic)), letter]
    found = dead.look(Facts(History(entries, at_rest=True)))
    assert (found.lost, found.wrong) == ([], [])
