"""Nobody is written to against their will: a STOP that was on the log before a command was taken always blocks it.

Only what is surely wrong is called so. Kafka's timestamps are the producers', so a record may stand later than it says:
that a STOP stood is known from what was made of it, from a verdict that had read it, or from the moment at which Twilio
had its answer. Whatever might have lifted it lifts it here.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from services.checker.addresses import scope
from services.checker.commands import Identity, asked, identity
from services.checker.consent import TENANT, Consent, Said, consent, released
from services.checker.facts import Created, Fact, Facts
from services.checker.finding import Looking
from services.checker.topics import CONSENT, INBOUND, RESULTS

# Of two records of one millisecond nobody knows which came first.
_TIE_MS = 1


class _Attempt(NamedTuple):
    """The last attempt of a command: when it was written, and how far its verdict had read the contact's topics."""

    written_ms: int
    read: Mapping[str, int]


def look(facts: Facts) -> Looking:
    """Each create whose command was produced after somebody had opted out of its sender."""
    looking = Looking()
    known, stood = consent(facts), _Stood(facts)
    attempts, produced = _attempts(facts), _produced(facts)
    for one in facts.created:
        name = Identity(one.tenant, one.contact, one.command_id)
        if name not in produced or name not in attempts:
            continue
        noes = [said for said in known.said.get(one.contact, ()) if said.action == "opt_out" and _reaches(said, one)]
        if noes:
            looking.checked += 1
            _judge(looking, one, [no for no in noes if _holds(no, known, attempts[name])], stood, produced[name])
    # Who was blocked is a case too: the promise was kept there.
    looking.checked += sum(
        fact.event.get("step") == "blocked" and fact.event.get("category") == "suppressed"
        for fact in facts.sound(RESULTS)
    )
    _read_and_sent(looking, facts, known, attempts)
    return looking


def _judge(looking: Looking, one: Created, noes: Sequence[Said], stood: "_Stood", taken_ms: int) -> None:
    for no in noes:
        by = stood.by(no)
        if by is not None and by + _TIE_MS < taken_ms:
            looking.wrong.append(
                f"{no.fact.at}: an opt-out of {_where(no)}; command {one.command_id!r} of {one.tenant}, produced "
                f"{taken_ms - by} ms later, was created as {one.sid}"
            )
            return


def _read_and_sent(looking: Looking, facts: Facts, known: Consent, attempts: Mapping[Identity, _Attempt]) -> None:
    """A verdict that had read the opt-out allowed it all the same."""
    for one in facts.created:
        attempt = attempts.get(Identity(one.tenant, one.contact, one.command_id))
        if attempt is None or one.command_id.startswith("confirm-"):
            continue
        for no in known.said.get(one.contact, ()):
            entry = no.fact.entry
            read = entry.offset < attempt.read.get(entry.topic, 0)
            if no.action == "opt_out" and read and _reaches(no, one) and _holds(no, known, attempt):
                looking.wrong.append(
                    f"{no.fact.at}: an opt-out of {_where(no)}, read before command {one.command_id!r} of {one.tenant} "
                    f"was allowed; Twilio created {one.sid}"
                )
                break


def _reaches(no: Said, one: Created) -> bool:
    return no.scope in (TENANT, scope(one.sender), f"service:{one.service}" if one.service else None)


def _holds(no: Said, known: Consent, attempt: _Attempt) -> bool:
    """Whether nothing that was written before the attempt could have lifted it."""
    yeses = [
        one
        for one in known.of_person(no.contact)
        if one.action == "opt_in" and one.fact.entry.timestamp <= attempt.written_ms
    ]
    # Of one heard twice, by a webhook and from Twilio's list, the one with the date may count.
    same = [one for one in known.said[no.contact] if (one.statement, one.scope) == (no.statement, no.scope)]
    return no.contact not in known.unsure and not any(released(one, yeses) for one in same)


def _where(no: Said) -> str:
    return "the tenant" if no.scope == TENANT else "a sender" if no.scope.startswith("sender") else no.scope


def _attempts(facts: Facts) -> Mapping[Identity, _Attempt]:
    found = {}
    for fact in facts.sound(RESULTS):
        if fact.event.get("step") == "attempted":
            read = (fact.event.get("receipt") or {}).get("offsets") or {}
            found[identity(fact.event)] = _Attempt(fact.entry.timestamp, read)
    return found


def _produced(facts: Facts) -> Mapping[Identity, int]:
    """When each command was first produced."""
    found: dict[Identity, int] = {}
    for one in asked(facts):
        if one.accepted is not None and not one.resolves:
            name = identity(one.accepted.event)
            found[name] = min(found.get(name, one.fact.entry.timestamp), one.fact.entry.timestamp)
    return found


class _Stood:
    """By when an opt-out surely stood on the log."""

    def __init__(self, facts: Facts) -> None:
        self._evidence: dict[tuple[str, str], int] = {}
        for fact in facts.of(CONSENT):
            self._evidence.setdefault((fact.text("contact"), fact.text("mark")), fact.entry.timestamp)
        self._copies: defaultdict[str, list[Fact]] = defaultdict(list)
        for fact in facts.of(INBOUND):
            self._copies[fact.id].append(fact)
        callbacks = facts.witness.callbacks if facts.witness is not None else []
        self._answered: dict[str, float] = {}
        for one in callbacks:
            if one["kind"] == "inbound" and one["http_status"] and one["http_status"] < 300:
                self._answered.setdefault(str(one["sid"]), datetime.fromisoformat(one["at"]).timestamp() * 1000)

    def by(self, no: Said) -> int | None:
        """In milliseconds since 1970, or None where it is not known."""
        known = [self._evidence.get((no.contact, no.statement)), self._acknowledged(no.fact)]
        return min((one for one in known if one is not None), default=None)

    def _acknowledged(self, fact: Fact) -> int | None:
        """When Twilio had its answer, by Kafka's clock; not where it may have come from the spool."""
        answered = self._answered.get(fact.text("message_sid"))
        if fact.entry.topic != INBOUND or answered is None or len(self._copies[fact.id]) > 1:
            return None
        written = fact.entry.timestamp
        # Everybody's clock but Kafka's may have been moved, by that much.
        ahead = datetime.fromisoformat(fact.text("received_at")).timestamp() * 1000 - written
        return round(answered - ahead) if answered - ahead >= written else None
