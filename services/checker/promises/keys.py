"""One person, one key, one partition (README, "Topics": a contact key is a hash of the canonical address)."""

from collections import defaultdict
from collections.abc import Iterator

from services.checker.addresses import person
from services.checker.facts import Fact, Facts
from services.checker.finding import Looking
from services.checker.topics import ACCEPTED, BY_CONTACT, BY_MESSAGE, INBOUND, RESULTS, STATUS

_COMMAND = "tenant and command id"


def look(facts: Facts) -> Looking:
    """Address and contact key belong together; a record has its event's key; a key has one partition everywhere."""
    looking = Looking()
    _persons(looking, facts)
    for topics, field in ((BY_CONTACT, "contact"), (BY_MESSAGE, "message_sid"), ((RESULTS,), _COMMAND)):
        partitions: dict[bytes, Fact] = {}
        for topic in topics:
            for fact in facts.sound(topic):
                if not fact.event:
                    continue
                looking.checked += 1
                if fact.entry.key.decode(errors="replace") != _key(fact, field):
                    looking.wrong.append(f"{fact.at}: its key is not its {field}")
                first = partitions.setdefault(fact.entry.key, fact)
                if first.entry.partition != fact.entry.partition:
                    looking.doubled.append(f"{fact.at}: its key is on {first.at} too, another partition")
    return looking


def _key(fact: Fact, field: str) -> str:
    """The key that an event belongs under."""
    if field == _COMMAND:
        return f"{fact.text('tenant')}|{fact.text('command_id')}"
    # A status that names no message is told under its own id; what is said to all, under its partition's.
    return fact.text(field) or fact.text("key") or fact.id


def _persons(looking: Looking, facts: Facts) -> None:
    keys: defaultdict[tuple[str, str], dict[str, Fact]] = defaultdict(dict)
    people: defaultdict[str, dict[str, Fact]] = defaultdict(dict)
    for fact, address in _addressed(facts):
        tenant, contact = fact.text("tenant"), fact.text("contact")
        keys[tenant, person(address)].setdefault(contact, fact)
        people[contact].setdefault(person(address), fact)
        if contact.rpartition("|")[0] != tenant:
            looking.wrong.append(f"{fact.at}: the contact key is not one of {tenant}")
    looking.checked += len(keys)
    for found in keys.values():
        if len(found) > 1:
            looking.doubled.append(f"{' and '.join(fact.at for fact in found.values())}: one person, {len(found)} keys")
    for found in people.values():
        if len(found) > 1:
            looking.wrong.append(f"{' and '.join(fact.at for fact in found.values())}: {len(found)} people, one key")


def _addressed(facts: Facts) -> Iterator[tuple[Fact, str]]:
    """Facts with the address that their contact key is of."""
    for fact in facts.sound(INBOUND):
        yield fact, fact.text("from")
    for fact in facts.sound(STATUS):
        # One that names a command has the contact that the command was for, whatever Twilio calls them.
        if fact.event.get("contact") and not fact.event.get("command_id"):
            yield fact, fact.text("to")
    for fact in facts.sound(ACCEPTED):
        if address := fact.text("to") or fact.text("address"):
            yield fact, address
