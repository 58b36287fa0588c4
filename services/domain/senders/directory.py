"""What is known of a tenant's senders, by all parts together. It answers two kinds of questions differently.

What blocks asks who was ever in a service. What allows asks narrowly: who is in it now, or was for sure at a moment.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from services.domain.clock import later
from services.domain.senders.events import LIST, Membership, SendersStated

_DAY_S = 86_400.0
_DAY = 10


class Known(NamedTuple):
    """Of one sender and one service: what lists say, and what webhooks named (the first, of its kind; the last day)."""

    listed: Membership | None = None
    since: str = ""
    last: str = ""
    named_by: str = ""

    @property
    def by(self) -> str:
        """What told it first: list, inbound or status."""
        return LIST if self.listed and self.listed.since <= (self.since or self.listed.since) else self.named_by

    @property
    def first(self) -> str:
        """The first that is known of it."""
        return min(filter(None, (self.since, self.listed.since if self.listed else "")))

    @property
    def ended(self) -> bool:
        """Did a list show that it is over, and nothing since that it is not?"""
        gone = self.listed.ended if self.listed else None
        return gone is not None and self.last[:_DAY] < gone[:_DAY]


class Directory:
    """The memberships of one tenant. `version`: the same knowledge has the same one, whoever joined it."""

    def __init__(self, parts: Iterable[SendersStated] = ()) -> None:
        parts = sorted(parts, key=lambda one: one.part)
        self.version = _version(parts)
        self._of: defaultdict[str, dict[str, Known]] = defaultdict(dict)
        self._members: defaultdict[str, set[str]] = defaultdict(set)
        self._listed: SendersStated | None = None
        self.complete = True
        for part in parts:
            self.complete = self.complete and not part.full
            if part.part == LIST:
                self._listed = part
            for sender, one in part.senders.items():
                for service, membership in one.services.items():
                    self._join(sender, service, membership, part.part)

    def _join(self, sender: str, service: str, told: Membership, part: str) -> None:
        known = self._of[sender].get(service, Known())
        if part == LIST:
            known = known._replace(listed=told)
        else:
            since, by = min(filter(all, ((known.since, known.named_by), (told.since, part.partition("-")[0]))))
            known = known._replace(since=since, last=max(known.last, told.last), named_by=by)
        self._of[sender][service] = known
        self._members[service].add(sender)

    def services(self, sender: str) -> frozenset[str]:
        """Every service that it was ever in."""
        return frozenset(self._of.get(sender, ()))

    def members(self, service: str) -> frozenset[str]:
        """Every sender that was ever in it."""
        return frozenset(self._members.get(service, ()))

    def known(self, sender: str, service: str) -> Known:
        return self._of[sender][service]

    def is_in(self, sender: str, service: str) -> bool | None:
        """Is it in the service now? None where nothing tells."""
        known = self._of.get(sender, {})
        if service in known:
            return not known[service].ended
        if any(not one.ended for one in known.values()):
            # A sender is in one service (21712).
            return False
        listed = self._listed
        return False if listed and (service in listed.services or sender in listed.senders) else None

    def was_in(self, sender: str, service: str, at: str) -> bool:
        """Was it in the service then, for sure? By a list of the day before, or where it was never named elsewhere."""
        known = self._of.get(sender, {})
        if service not in known:
            return False
        one = known[service]
        if _was_listed(one, at):
            return True
        elsewhere = any(other.first <= at for name, other in known.items() if name != service)
        gone = one.listed is not None and (one.listed.ended or at) < at
        # A list that came after the last webhook, and does not have it.
        missing = one.listed is None and self._listed is not None and one.last[:_DAY] < self._listed.at[:_DAY]
        return "" < one.since <= at and not (elsewhere or gone or missing)

    def listed_in(self, sender: str, at: str) -> frozenset[str]:
        """The services in which a list of the day before that moment has it."""
        return frozenset(name for name, one in self._of.get(sender, {}).items() if _was_listed(one, at))


def _version(parts: Sequence[SendersStated]) -> str:
    told = " ".join(part.event_id for part in parts)
    return hashlib.sha256(told.encode()).hexdigest()[:8] if parts else ""


NOBODY = Directory()


def _was_listed(known: Known, at: str) -> bool:
    spans = known.listed.spans if known.listed else ()
    return any(span.first <= at <= later(span.last, _DAY_S) for span in spans)
