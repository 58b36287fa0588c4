"""What a contact has said, as far as it matters for one command: what stands against it, the yes that it goes by."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from services.domain.commands import on_channel
from services.domain.consent.events import Suppression
from services.domain.consent.holds import held
from services.domain.consent.scopes import scopes_of
from services.domain.consent.standing import Consented, Standing, consented, suspicions
from services.domain.consent.version import version
from services.domain.gate.question import Question
from services.domain.gate.view import ConsentRules, MembershipSeen
from services.domain.senders.directory import Directory
from services.domain.senders.names import family, name_of
from services.domain.senders.reach import Asked, Reached, reaching
from services.sender.outbound import Addressed

# Of a contact who opted out of many scopes; a receipt is kept with every result.
_MOST_SHOWN = 3


class Stated(NamedTuple):
    """As a view has it; `consent`: the yes that it goes by."""

    held: Suppression | None
    suppressed: dict[str, Suppression]
    suspected: dict[str, Suppression]
    version: str
    memberships: list[MembershipSeen]
    consent: Consented | None


# Of most contacts nothing was ever heard.
NOTHING = Stated(None, {}, {}, "", [], None)


def stated(
    standing: Standing, question: Question, command: Addressed, rules: ConsentRules, directory: Directory
) -> Stated:
    """What of all that a contact has said matters for a command."""
    asked = _asked(command, rules.stop_reaches == "tenant")
    found = _shown(_reaching(standing, asked, directory))
    suspected = _shown(_reaching(suspicions(standing), asked, directory))
    return Stated(
        held=held(standing.holds),
        suppressed={scope: one.suppression for scope, one in found.items()},
        suspected={scope: one.suppression for scope, one in suspected.items()},
        version=version(standing),
        memberships=_memberships(found, directory),
        consent=_agreed(standing, question, command),
    )


def _asked(command: Addressed, everywhere: bool) -> list[Asked]:
    """By its sender or its service, and beside that by the number that it may fall back to."""
    channel, service = family(on_channel(command.channel, "")), command.messaging_service_sid
    senders = [name_of(command.from_) if command.from_ else None]
    if command.fallback_from:
        senders.append(name_of(command.fallback_from))
    # Where it names none of our senders nobody knows by which it goes: each no may have been said to that one.
    nameless = senders == [None] and service is None
    return [Asked(sender, service, channel, everywhere or nameless) for sender in senders]


def _agreed(standing: Standing, question: Question, command: Addressed) -> Consented | None:
    """The yes that it goes by. Where it may fall back to another number, each of both needs one: the older of them."""
    if not command.fallback_from:
        return consented(standing, question.scopes)
    service = command.messaging_service_sid
    each = [consented(standing, scopes_of(one, service)) for one in (command.from_, command.fallback_from)]
    found = [one for one in each if one is not None]
    return min(found, key=lambda one: (one.at, one.evidence)) if len(found) == len(each) else None


def _reaching(standing: Standing | None, asked: Sequence[Asked], directory: Directory) -> dict[str, Reached]:
    """What stands against any of these."""
    return {scope: why for one in asked for scope, why in reaching(standing, one, directory).items()}


def _shown(found: Mapping[str, Reached]) -> dict[str, Reached]:
    """What was said of the message's own sender and service comes first."""
    ordered = sorted(found.items(), key=lambda item: (bool(item[1].through), item[0]))
    return dict(ordered[:_MOST_SHOWN])


def _memberships(found: Mapping[str, Reached], directory: Directory) -> list[MembershipSeen]:
    through = dict.fromkeys(one for reached in found.values() for one in reached.through)
    known = [(one, directory.known(one.sender, one.service)) for one in through]
    return [MembershipSeen(sender=one.sender, service=one.service, since=seen.first, by=seen.by) for one, seen in known]
