"""What countries ask of messages by SMS and MMS. The rows are data, read at the edge; here is what follows from them.

Where a country is not known, the strictest row of those that it may be; what no row says, nothing is concluded from.
"""

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

import msgspec

from services.domain.addresses import countries, judge, parsed
from services.domain.compliance.concerns import Concern
from services.domain.quiet import Hours

Names = Literal["taken", "registered", "refused"]
_NAMES: tuple[Names, ...] = ("refused", "registered", "taken")
Number = Literal["short_code", "long_code", "toll_free"]


class CountryRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A country's row; null: nobody has confirmed it.

    `names`: alphanumeric senders: the call is `refused` there (21612), or only what Twilio has `registered` arrives as
    it is. `foreign`: numbers of other calling codes as senders. `mms`: it is sent, or goes as SMS with a link.
    `opt_in`: for which messages. `stop_text`: a person's first message says how to stop. `help_text`: from these
    numbers it says where help is, too. `dlt`: India's registry of senders and templates, of which a call to Twilio
    holds nothing. `sources`: where it stands, and when that was read.
    """

    names: Names | None = None
    foreign: Literal["taken", "refused"] | None = None
    two_way: bool | None = None
    mms: Literal["sent", "link"] | None = None
    opt_in: Literal["nothing", "marketing"] | None = None
    hours: Hours | None = None
    stop_text: bool = False
    help_text: list[Number] = []
    dlt: bool = False
    sources: list[tuple[str, str]] = []


class Going(NamedTuple):
    """What is looked at of a message. `agreed`: an opt-in is recorded."""

    sender: str | None
    to: str
    channel: str
    purpose: str
    agreed: bool


Rows = Mapping[str, CountryRules]
_NOTHING = CountryRules()
NO_ROWS: Rows = {}


def rules_for(rows: Rows, to: str) -> CountryRules:
    """Of the country of a number; where it may be of several, the strictest of each rule."""
    if country := judge(to).country:
        # As of most: it can be of no other.
        return rows.get(country, _NOTHING)
    found = [rows[one] for one in sorted(countries(to)) if one in rows]
    if len(found) < 2:
        return found[0] if found else _NOTHING
    names = {one.names for one in found}
    return CountryRules(
        names=next((one for one in _NAMES if one in names), None),
        foreign="refused" if any(one.foreign == "refused" for one in found) else None,
        opt_in="marketing" if any(one.opt_in == "marketing" for one in found) else None,
        stop_text=any(one.stop_text for one in found),
        help_text=sorted({kind for one in found for kind in one.help_text}),
        dlt=any(one.dlt for one in found),
    )


def refuses_name(rules: CountryRules, sender: str | None) -> bool:
    """Whether Twilio refuses this sender there, because it is a name."""
    return rules.names == "refused" and _is_name(sender)


def found_by_country(rules: CountryRules, going: Going, *, blocks: bool) -> Iterable[Concern]:
    """What does not fit there. `blocks`: the tenant wants none of it to go; what Twilio would refuse never does."""
    if refuses_name(rules, going.sender):
        yield Concern(kind="sender", told=f"names such as {going.sender} are no senders there (21612)", blocks=True)
    elif rules.names == "registered" and _is_name(going.sender):
        told = f"names such as {going.sender} must be registered there; another arrives altered, or not at all"
        yield Concern(kind="sender", told=told, blocks=blocks)
    if rules.foreign == "refused" and _is_foreign(going.sender, going.to):
        told = "numbers of other countries are no senders there: carriers block or alter them"
        yield Concern(kind="sender", told=told, blocks=blocks)
    if rules.opt_in == going.purpose and not going.agreed:
        told = f"{going.purpose} there is for people who have agreed, and no opt-in of this one is recorded"
        yield Concern(kind="opt_in", told=told, blocks=blocks)
    if rules.mms == "link" and going.channel == "mms":
        yield Concern(kind="mms", told="it goes there as SMS with a link to its media", blocks=False)


def _is_name(sender: str | None) -> bool:
    return sender is not None and judge(sender).kind == "name"


def _is_foreign(sender: str | None, to: str) -> bool:
    """A number of another calling code: within one, such as +1, carriers know each other's."""
    if sender is None or (by := judge(sender)).kind != "phone":
        return False
    whom = judge(to)
    if by.country is not None and by.country == whom.country:
        return False
    ours, theirs = parsed(by.canonical), parsed(whom.canonical)
    return ours is not None and theirs is not None and ours.country_code != theirs.country_code
