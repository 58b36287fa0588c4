"""Which message an ambiguous command created: by Twilio's list, or as a person says."""

from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from services.domain.followups.commands import KIND as FOLLOW_UP
from services.domain.messages.commands import KIND, CommandAccepted
from services.domain.messages.effects import MessageCreated
from services.domain.messages.finding import Known, Listed, Span, find, meet, span, why_not
from services.domain.messages.posted import Posted
from services.domain.outbox.accepted import ResolutionAccepted
from services.domain.outbox.entry import Entry
from services.domain.outbox.facts import Checked, Settled
from services.runtime.clock import now
from services.runtime.folding.partition import Partition
from services.sender.messages.dates import Dates
from services.sender.messages.listing import Listing
from services.sender.rows import others_of
from services.sender.tables import IN_FLOWS

# Rows of commands that say all that goes to a person, or send nothing; the kind is empty where only a cancel came.
_OURS = frozenset({KIND, FOLLOW_UP, ""})


class Times(NamedTuple):
    """Seconds that bound when an attempt was made."""

    attempt_deadline_s: float
    request_timeout_s: float


class Finding:
    """`listing`: a tenant's list of messages; `dates`: its messages one by one. None where there is nobody to ask.
    `ways`: in which a command may have been posted."""

    def __init__(
        self,
        listing: Callable[[str], Listing | None],
        dates: Callable[[str], Dates | None],
        times: Times,
        ways: Callable[[CommandAccepted], Collection[Posted]],
    ) -> None:
        self._listing = listing
        self._dates = dates
        self._times = times
        self._ways = ways

    async def find(self, partition: Partition, entry: Entry) -> Settled | None:
        """The one message that the list has and that fits."""
        when, listing, command = self._span(entry), self._listing(entry.tenant), entry.command
        if when is None or listing is None or not isinstance(command, CommandAccepted):
            return None
        listed: Sequence[Listed] = await listing.messages_to(command.to)
        others = others_of(partition, entry)
        open_ends = (self._span(row) for row in others.rows)
        if not others.all or any(other is not None and meet(when, other) for other in open_ends):
            # Whose message it is cannot be told.
            return None
        # A flow of theirs, whoever began it, writes what no command says.
        in_flows = partition.read(entry.order_key, IN_FLOWS) is not None
        known = Known(others.sids, whole=not in_flows and all(row.kind in _OURS for row in others.rows))
        found = find(command, self._ways(command), when, listed, known)
        if found is None:
            return None
        return Settled(
            order_key=entry.order_key,
            command_id=entry.command_id,
            at=now(),
            created=_created(found),
            how=f"Twilio's list of messages{_as_link(command, found)}",
        )

    async def check(self, partition: Partition, entry: Entry, claim: ResolutionAccepted) -> Checked | None:
        """What Twilio says of a claim; None where nobody can ask it now."""
        when, messages, command = self._span(entry), self._dates(entry.tenant), entry.command
        if when is None or messages is None or not isinstance(command, CommandAccepted):
            return None
        found = await messages.message(claim.sid or "")
        refused = why_not(command, when, found, messages.accounts, others_of(partition, entry).sids)
        return Checked(
            order_key=entry.order_key,
            command_id=entry.command_id,
            at=now(),
            resolution=claim.event_id,
            refused=refused,
            created=_created(found) if found is not None and refused is None else None,
        )

    def _span(self, entry: Entry) -> Span | None:
        return span(entry, *self._times)


def _created(found: Listed) -> MessageCreated:
    return MessageCreated(sid=found.sid, status=found.status, from_=found.from_)


def _as_link(command: CommandAccepted, found: Listed) -> str:
    went = command.media_urls and command.media_fallback and not found.num_media and not command.has_template
    return "; its text went with a link" if went else ""
