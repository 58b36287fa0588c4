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
from services.checker.executions import started, stopped
from services.checker.facts import Created, Fact, Facts
from services.checker.finding import Looking
from services.checker.holds import SENDER, Hold, holds
from services.checker.memberships import Services, memberships, shares
from services.checker.topics import ACCEPTED, CONSENT, INBOUND, RESULTS

# Of two records of one millisecond nobody knows which came first.
_TIE_MS = 1
# Until whoever judges has heard of a membership that stands on the log.
_KNOWN_MS = 5_000


class _Attempt(NamedTuple):
    """The last attempt of a command: when it was written, and how far its verdict had read the contact's topics."""

    written_ms: int
    read: Mapping[str, int]


def look(facts: Facts) -> Looking:
    """Each create whose command was produced after somebody had opted out of its sender."""
    looking = Looking()
    known, stood, pools = consent(facts), _Stood(facts), memberships(facts)
    attempts, produced = _attempts(facts), _produced(facts)
    created = (*facts.created, *started(facts))
    for one in created:
        name = Identity(one.tenant, one.contact, one.command_id)
        if name not in produced or name not in attempts:
            continue
        attempt, services = attempts[name], pools.get(one.tenant, {})
        said = [no for no in known.said.get(one.contact, ()) if no.action == "opt_out"]
        noes = [no for no in said if _reaches(no, one) or _through(no, one, services, produced[name])]
        if noes:
            looking.checked += 1
            standing = [no for no in noes if _holds(no, one, known, attempt, services)]
            _judge(looking, one, standing, stood, produced[name])
    stopped(looking, facts)
    # Who was blocked is a case too: the promise was kept there.
    looking.checked += sum(
        fact.event.get("step") == "blocked" and fact.event.get("category") == "suppressed"
        for fact in facts.sound(RESULTS)
    )
    _read_and_sent(looking, created, known, attempts, pools)
    _held_and_sent(looking, facts, created, attempts)
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


def _read_and_sent(
    looking: Looking,
    created: Sequence[Created],
    known: Consent,
    attempts: Mapping[Identity, _Attempt],
    pools: Mapping[str, Services],
) -> None:
    """A verdict that had read the opt-out allowed it all the same."""
    for one in created:
        attempt = attempts.get(Identity(one.tenant, one.contact, one.command_id))
        if attempt is None or one.command_id.startswith("confirm-"):
            continue
        for no in known.said.get(one.contact, ()):
            entry = no.fact.entry
            read = entry.offset < attempt.read.get(entry.topic, 0)
            services = pools.get(one.tenant, {})
            if no.action == "opt_out" and read and _reaches(no, one) and _holds(no, one, known, attempt, services):
                looking.wrong.append(
                    f"{no.fact.at}: an opt-out of {_where(no)}, read before command {one.command_id!r} of {one.tenant} "
                    f"was allowed; Twilio created {one.sid}"
                )
                break


def _held_and_sent(
    looking: Looking, facts: Facts, created: Sequence[Created], attempts: Mapping[Identity, _Attempt]
) -> None:
    """A verdict that had read that something of theirs could not be read allowed it all the same."""
    by_contact: defaultdict[str, list[Hold]] = defaultdict(list)
    for hold in holds(facts):
        by_contact[hold.contact].append(hold)
    for one in created:
        attempt = attempts.get(Identity(one.tenant, one.contact, one.command_id))
        if attempt is None or one.command_id.startswith("confirm-"):
            continue
        for hold in by_contact[one.contact]:
            looking.checked += 1
            if _seen(hold, attempt) and not any(_before(fact, attempt) for fact in hold.released):
                looking.wrong.append(
                    f"{hold.position} could not be read, and holds its contact; command {one.command_id!r} of "
                    f"{one.tenant} was allowed, and created as {one.sid}"
                )
                break


def _seen(hold: Hold, attempt: _Attempt) -> bool:
    """Its sender knew: of what it could not read itself, at once; else once it had read that another could not."""
    topic, offset = hold.source
    itself = any(fact.text("app") == SENDER for fact in hold.placed) and offset < attempt.read.get(topic, 0)
    return itself or any(fact.entry.offset < attempt.read.get(ACCEPTED, 0) for fact in hold.placed)


def _before(fact: Fact, attempt: _Attempt) -> bool:
    return fact.entry.offset < attempt.read.get(ACCEPTED, 0) or fact.entry.timestamp <= attempt.written_ms


def _reaches(no: Said, one: Created) -> bool:
    if no.stops_templates_alone and not (one.template and one.to.startswith("whatsapp:")):
        return False
    return no.scope in (TENANT, scope(one.sender), f"service:{one.service}" if one.service else None)


def _through(no: Said, one: Created, services: Services, taken_ms: int) -> bool:
    """Was it said to another sender of a service, as was known well before the command was produced?"""
    name = no.scope.removeprefix("sender:")
    if name == no.scope or shares(name) != shares(one.to):
        return False
    theirs = {mg for mg, since in services.get(name, {}).items() if since + _KNOWN_MS < taken_ms}
    ours = {mg for mg, since in services.get(one.sender, {}).items() if since + _KNOWN_MS < taken_ms}
    return bool(theirs & (ours | {one.service}))


def _holds(no: Said, one: Created, known: Consent, attempt: _Attempt, services: Services) -> bool:
    """Whether nothing that was written before the attempt could have lifted it."""
    yeses = [
        yes
        for yes in known.holds_for(no.contact)
        if yes.action == "opt_in" and yes.fact.entry.timestamp <= attempt.written_ms
    ]
    # Of one heard twice, by a webhook and from Twilio's list, the one with the date may count.
    same = [said for said in known.said[no.contact] if (said.statement, said.scope) == (no.statement, no.scope)]
    lifted = any(released(said, yeses) for said in same)
    return no.contact not in known.unsure and not lifted and not _lifted_for_all(no, one, known, yeses, services)


def _lifted_for_all(no: Said, one: Created, known: Consent, yeses: Sequence[Said], services: Services) -> bool:
    """A later yes to the sender itself, or to a service that the no may belong to."""
    name = no.scope.removeprefix("sender:")
    together = {said.scope for said in known.said[no.contact] if said.statement == no.statement}
    scopes = together | {f"service:{mg}" for mg in services.get(name, {})} | {scope(one.sender)}
    # A list may tell of a yes that named no service, to which one it belongs.
    pools = {mg.removeprefix("service:") for mg in scopes if mg is not None}
    scopes |= {f"sender:{other}" for other, known_in in services.items() if pools & known_in.keys()}
    return any(yes.scope in scopes and yes.after(no) for yes in yeses)


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
        if one.accepted is not None and not one.about_another:
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
