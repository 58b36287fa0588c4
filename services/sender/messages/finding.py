"""Which message an ambiguous command created: by Twilio's list, or as a person says."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from services.domain.messages.commands import CommandAccepted
from services.domain.messages.effects import MessageCreated
from services.domain.messages.finding import Listed, find, span, why_not
from services.domain.outbox.accepted import ResolutionAccepted
from services.domain.outbox.entry import Entry
from services.domain.outbox.facts import Checked, Settled
from services.runtime.clock import now
from services.runtime.folding.partition import Partition
from services.sender.messages.dates import Dates
from services.sender.messages.listing import Listing
from services.sender.rows import others_of


class Times(NamedTuple):
    """Seconds that bound when an attempt was made."""

    attempt_deadline_s: float
    request_timeout_s: float


class Finding:
    """`listing`: a tenant's list of messages; `dates`: its messages one by one. None where there is nobody to ask."""

    def __init__(
        self, listing: Callable[[str], Listing | None], dates: Callable[[str], Dates | None], times: Times
    ) -> None:
        self._listing = listing
        self._dates = dates
        self._times = times

    async def find(self, partition: Partition, entry: Entry) -> Settled | None:
        """The one message that the list has and that fits."""
        when, listing, command = span(entry, *self._times), self._listing(entry.tenant), entry.command
        if when is None or listing is None or not isinstance(command, CommandAccepted):
            return None
        listed: Sequence[Listed] = await listing.messages_to(command.to)
        others = others_of(partition, entry)
        if not others.all or any(row.state in ("attempted", "ambiguous") for row in others.rows):
            # Whose message it is cannot be told.
            return None
        found = find(command, when, listed, others.sids)
        if found is None:
            return None
        return Settled(
            order_key=entry.order_key,
            command_id=entry.command_id,
            at=now(),
            created=_created(found),
            how="Twilio's list of messages",
        )

    async def check(self, partition: Partition, entry: Entry, claim: ResolutionAccepted) -> Checked | None:
        """What Twilio says of a claim; None where nobody can ask it now."""
        when, messages, command = span(entry, *self._times), self._dates(entry.tenant), entry.command
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


def _created(found: Listed) -> MessageCreated:
    return MessageCreated(sid=found.sid, status=found.status, from_=found.from_)
