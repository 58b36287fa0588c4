"""May this sender write there, by what is registered? Judged are those that a list has; the rest is not known.

- To the US, with Puerto Rico, the US Virgin Islands, Guam and American Samoa, a +1 long code needs a campaign that is
  approved, which it has by its Messaging Service (30034). A Canadian number that writes to the US needs one too.
- To these and to Canada a toll-free number needs a verification that is approved (30032).
- Short codes are registered as they are bought, and other +1 countries ask for nothing that anybody has confirmed.

Sources: Twilio's error dictionary (30032, 2026); its page on the shutdown of unregistered 10DLC messaging (2024); on
Canadian numbers a reseller's of 2026-02-18.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import msgspec

from services.domain.addresses import countries, judge
from services.domain.compliance.events import Brand, Campaign, ComplianceStated, Verification
from services.domain.compliance.states import State, state_of
from services.domain.compliance.throughput import a_second

US = frozenset({"US", "PR", "VI", "GU", "AS"})
_TOLL_FREE_TO = US | {"CA"}
# Enough to tell one from another.
_VERSION = 8
# What comes of a sender that may not write there, by what the tenant says. `listed`: it is stopped by a registration of
# its own that is not approved, and where lists have none it is only told: they may have been another account's.
Rule = Literal["enforced", "listed", "told"]
# Which of several registrations of one number counts: the first that there is.
_ORDER: tuple[State | Literal["unregistered"], ...] = (
    "approved", "unknown", "pending", "suspended", "refused", "unregistered",
)  # fmt: skip


class Unfit(msgspec.Struct, frozen=True, kw_only=True):
    """A sender that may not write there now. `sender`: the number, or the service none of whose numbers may.

    `state`: how far its registration is; `status`: in Twilio's word, where there is one. `sid`: of the campaign or the
    verification. `at`: when a list said so first.
    """

    sender: str
    kind: Literal["long_code", "toll_free"]
    state: Literal["unregistered", "pending", "suspended", "refused"]
    at: str
    status: str | None = None
    sid: str | None = None
    reason: str | None = None


def said(unfit: Unfit) -> str:
    """What stands against a sender, in words."""
    called = {"long_code": "long code", "toll_free": "toll-free number"}[unfit.kind]
    whose = (
        f"no number of {unfit.sender} may" if unfit.sender.startswith("MG") else f"the {called} {unfit.sender} may not"
    )
    if unfit.state == "unregistered":
        lacks = "is in no Messaging Service with a campaign" if unfit.kind == "long_code" else "has no verification"
        return f"{whose} write there: it {lacks}"
    what = "its campaign" if unfit.kind == "long_code" else "its verification"
    reason = f" ({unfit.reason})" if unfit.reason else ""
    return f"{whose} write there: {what} {unfit.sid} is {unfit.status}{reason}"


class Pace(NamedTuple):
    """A campaign, and how many segments of SMS a second go by it, by whichever of its numbers."""

    campaign: str
    a_second: float


class Registry:
    """All that is known of one tenant; false while that is nothing. `version`: the same knowledge has the same one."""

    def __init__(self, stated: Iterable[ComplianceStated] = ()) -> None:
        known = sorted(stated, key=lambda one: one.account)
        self.version = hashlib.sha256(" ".join(one.event_id for one in known).encode()).hexdigest()[:_VERSION]
        self.brands: dict[str, Brand] = {brand.sid: brand for one in known for brand in one.brands}
        self._since = {number: one.at for one in known for number in one.numbers}
        self._members = {service: members for one in known for service, members in one.services.items()}
        self._verifications: defaultdict[str, list[Verification]] = defaultdict(list)
        self._campaigns: defaultdict[str, list[Campaign]] = defaultdict(list)
        self._services: defaultdict[str, set[str]] = defaultdict(set)
        for one in known:
            for verification in one.verifications:
                self._verifications[verification.number].append(verification)
            for campaign in one.campaigns:
                self._campaigns[campaign.service].append(campaign)
            for service, members in one.services.items():
                for member in members:
                    self._services[member].add(service)
        self._any = bool(known)

    def __bool__(self) -> bool:
        return self._any

    def unfit(self, sender: str | None, service: str | None, to: str, rule: Rule = "enforced") -> Unfit | None:
        """Why a message by SMS or MMS from this sender, or by this service, may not go; None: nothing that the rule
        goes by says so."""
        where = countries(to)
        if rule == "told" or not where & _TOLL_FREE_TO:
            return None
        found = self._all_of(sender, service, where)
        if rule == "listed" and any(one is not None and one.state == "unregistered" for one in found):
            return None
        unfit = [one for one in found if one is not None]
        if not unfit or len(unfit) < len(found):
            return None
        first = min(unfit, key=lambda one: _ORDER.index(one.state))
        return first if sender is not None else msgspec.structs.replace(first, sender=service or "")

    def pace(self, sender: str) -> Pace | None:
        """What the one approved campaign of a long code, or a service, sends in all; None: that is not known."""
        services = {sender} if sender in self._campaigns else self._services.get(sender, set())
        if sender not in self._campaigns and not _is_long_code(sender):
            return None
        found = [one for name in services for one in self._campaigns.get(name, ()) if _is_approved(one)]
        rate = a_second(found[0], self.brands.get(found[0].brand)) if len(found) == 1 else None
        return None if rate is None else Pace(found[0].sid, rate)

    def unfits(self, numbers: Iterable[str]) -> list[Unfit]:
        """Of these numbers those that may not write to the US."""
        return [one for number in numbers if (one := self._of_number(number, US)) is not None]

    def campaign(self, sender: str | None, service: str | None, to: str) -> Campaign | None:
        """By which campaign a message goes to the US, as far as it is only one."""
        if not countries(to) & US or (sender is not None and not _is_long_code(sender)):
            return None
        services = {service} if service else self._services.get(sender or "", set())
        found = [one for name in services for one in self._campaigns.get(name or "", ()) if _is_approved(one)]
        return found[0] if len(found) == 1 else None

    def _of_number(self, number: str, where: frozenset[str]) -> Unfit | None:
        if number not in self._since:
            return None
        if judge(number).toll_free:
            return _against("toll_free", number, self._since[number], self._verifications.get(number, ()))
        if not _is_long_code(number) or not where & US:
            return None
        found = [one for name in self._services.get(number, ()) for one in self._campaigns.get(name, ())]
        return _against("long_code", number, self._since[number], found)

    def _all_of(self, sender: str | None, service: str | None, where: frozenset[str]) -> list[Unfit | None]:
        """Of the sender; or of a service's, of which Twilio chooses one: None, that it may write, is enough."""
        if sender is not None:
            return [self._of_number(sender, where)]
        # Names and WhatsApp senders send no SMS there.
        members = [one for one in self._members.get(service or "", ()) if not one.startswith("whatsapp:")]
        return [self._of_number(one, where) for one in members if judge(one).kind != "name"]


def _is_long_code(sender: str) -> bool:
    return sender.startswith("+1") and judge(sender).kind == "phone" and not judge(sender).toll_free


def _is_approved(one: Campaign) -> bool:
    return state_of(one.status) == "approved"


def _against(
    kind: Literal["long_code", "toll_free"], number: str, at: str, found: Iterable[Campaign | Verification]
) -> Unfit | None:
    """What stands against a number that has these registrations: the best of them decides."""
    best = min(found, key=lambda one: (_ORDER.index(state_of(one.status)), one.sid), default=None)
    if best is None:
        return Unfit(sender=number, kind=kind, state="unregistered", at=at)
    match state_of(best.status):
        case "approved" | "unknown":
            return None
        case state:
            return Unfit(
                sender=number, kind=kind, state=state, at=at, status=best.status, sid=best.sid, reason=best.reason
            )


def told_of(stated: Sequence[ComplianceStated]) -> str | None:
    """How many numbers of a tenant's accounts may not write to the US, in words; None: all may."""
    numbers = {number for one in stated for number in one.numbers}
    unfits = Registry(stated).unfits(sorted(numbers))
    if not unfits:
        return None
    counts = Counter(f"{one.kind.replace('_', ' ')} {one.state}" for one in unfits)
    which = ", ".join(f"{count} {what}" for what, count in sorted(counts.items()))
    return (
        f"{len(unfits)} of {len(numbers)} +1 numbers may not write to the US by these lists: {which}; what comes of "
        "that, the tenant's compliance.registration says"
    )


NOTHING_KNOWN = Registry()
