"""Was an ambiguous command's message created after all? What Twilio says of its messages, purely.

One message that fits, and that is no other command's, is the proof. None proves nothing: lists lag, and a message may
still be made. Several prove nothing either.
"""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from services.domain.addresses import judge
from services.domain.clock import later
from services.domain.contact import canonical
from services.domain.messages.commands import CommandAccepted
from services.domain.messages.posted import Posted
from services.domain.outbox.entry import Entry

# Twilio's dates are whole seconds, by its own clock.
MARGIN_S = 5.0


class Listed(NamedTuple):
    """A message as Twilio lists it. `created_at` as it stands on the log."""

    sid: str
    direction: str
    to: str
    from_: str
    service: str | None
    body: str
    status: str
    created_at: str
    account: str = ""
    num_media: int = 0


class Span(NamedTuple):
    """When the attempt was made: not before `begun`, not after `ended`."""

    begun: str
    ended: str


class Known(NamedTuple):
    """What else goes to the person: `sids`, the messages of other commands; `whole`: nothing of ours beside them."""

    sids: Collection[str]
    whole: bool = True


def span(entry: Entry, attempt_deadline_s: float, request_timeout_s: float) -> Span | None:
    """When the last attempt was made of a command whose end is not known, or not yet; None: there is no such.

    After a crash it is told to be ambiguous much later than that.
    """
    if entry.state not in ("attempted", "ambiguous") or entry.deadline is None:
        return None
    latest = later(entry.deadline, request_timeout_s)
    ended = min(entry.ambiguous_at or latest, latest)
    return Span(later(entry.deadline, -attempt_deadline_s), ended)


def meet(one: Span, other: Span) -> bool:
    """Whether a message may be of either attempt."""
    widest = 2 * MARGIN_S
    return one.begun <= later(other.ended, widest) and other.begun <= later(one.ended, widest)


def find(
    command: CommandAccepted, ways: Collection[Posted], when: Span, listed: Iterable[Listed], known: Known
) -> Listed | None:
    """The message that the attempt created, if just one can be it. `ways`: in which it may have been posted.

    A text tells its message among others. What shows none, media alone or a template, is told where it is the only
    message there is.
    """
    first, last = later(when.begun, -MARGIN_S), later(when.ended, MARGIN_S)
    near = [
        one
        for one in listed
        if one.direction == "outbound-api"
        and one.sid not in known.sids
        and first <= one.created_at <= last
        and canonical(one.to) == canonical(command.to)
        and _sent_from(one, command)
    ]
    fitting = [one for one in near if any(way.says(one.body, one.num_media) for way in ways)]
    if len(fitting) != 1:
        return None
    return fitting[0] if fitting[0].body.strip() or (known.whole and len(near) == 1) else None


def why_not(
    command: CommandAccepted, when: Span, found: Listed | None, accounts: Collection[str], known: Collection[str]
) -> str | None:
    """Why a message that a person names is not this command's; None: all that can be looked at fits.

    `accounts`: the tenant's; `known`: the MessageSids of other commands to the person. A template's text is not
    compared, nor a number that Twilio masks.
    """
    if found is None:
        return "Twilio has no such message in this tenant's accounts"
    if found.account not in accounts:
        return "it is of another account"
    if not found.direction.startswith("outbound"):
        return "it is no message of ours, but one to us"
    if found.sid in known:
        return "it is another command's message"
    if judge(found.to).kind != "masked" and canonical(found.to) != canonical(command.to):
        return "it went to somebody else"
    if found.created_at < later(when.begun, -MARGIN_S):
        return "it was created before the command was tried"
    return None


def _sent_from(one: Listed, command: CommandAccepted) -> bool:
    if command.messaging_service_sid is not None:
        return one.service == command.messaging_service_sid
    return canonical(one.from_) == canonical(command.from_ or "")
