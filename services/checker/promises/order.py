"""Commands of one contact go in order, but for those that waited for something (README, "Sending")."""

from collections import defaultdict
from itertools import pairwise

from services.checker.commands import Asked, Identity, asked, identity
from services.checker.facts import Facts
from services.checker.finding import Looking
from services.checker.topics import MESSAGES, RESULTS, shared

_OUTSIDE = ("ambiguous", "retrying", "deferred")


def look(facts: Facts) -> Looking:
    """Of commands in one partition, in one order by offset and by time, Twilio created the earlier one first.

    Urgent ones may go before others, and any before one that waited; of one that was ambiguous it is not known when it
    went.
    """
    looking = Looking()
    place = {Identity(one.tenant, one.contact, one.command_id): one for one in reversed(facts.created)}
    outside = {identity(fact.event) for fact in facts.sound(RESULTS) if fact.event.get("step") in _OUTSIDE}
    lines: defaultdict[tuple[str, str, int], list[tuple[Asked, Identity]]] = defaultdict(list)
    seen: set[Identity] = set()
    for one in asked(facts):
        if one.accepted is None or shared(one.fact.entry.topic) != MESSAGES or one.about_another:
            continue
        name = identity(one.accepted.event)
        # Produced again it is what it was.
        if name in seen or name in outside or name not in place or one.accepted.event.get("urgent"):
            continue
        seen.add(name)
        lines[name.contact, one.fact.entry.topic, one.fact.entry.partition].append((one, name))
    for line in lines.values():
        for (before, name), (after, later) in pairwise(line):
            if before.fact.entry.timestamp > after.fact.entry.timestamp:
                continue
            looking.checked += 1
            if place[name].place > place[later].place:
                looking.wrong.append(
                    f"{after.fact.at}: {later} was created before {name.command_id!r}, which stands at {before.fact.at}"
                )
    return looking
