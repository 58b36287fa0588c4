"""What Twilio's lists of brands, campaigns and verifications say, and what is news in it."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, NamedTuple

from services.domain.compliance.events import Brand, Campaign, ComplianceStated, Verification
from services.domain.compliance.states import STOPPED, state_of
from services.domain.news import listed_at, news

_LONGEST = 500
Registration = Brand | Campaign | Verification


class Change(NamedTuple):
    """`stopped`: something is refused or suspended since the list before; `told` says each, for people."""

    kind: Literal["new", "changed", "stopped", "gone"]
    fact: ComplianceStated
    told: tuple[str, ...] = ()


class Listed(NamedTuple):
    """An account's lists, as Twilio has them. `campaigns`: of all its services."""

    brands: Iterable[Mapping[str, Any]]
    campaigns: Iterable[Mapping[str, Any]]
    verifications: Iterable[Mapping[str, Any]]
    numbers: Iterable[str]
    services: Mapping[str, Iterable[str]]


def stated(tenant: str, account: str, listed: Listed, at: str) -> ComplianceStated:
    """The lists of one account. What a resource lacks is empty."""
    one = ComplianceStated(
        event_id="",
        tenant=tenant,
        account=account,
        at="",
        brands=_sorted(map(_brand, listed.brands)),
        campaigns=_sorted(map(_campaign, listed.campaigns)),
        verifications=_sorted(map(_verification, listed.verifications)),
        numbers=sorted({number for number in listed.numbers if number.startswith("+1")}),
        services={service: sorted(set(members)) for service, members in sorted(listed.services.items())},
    )
    return listed_at(one, "compliance_stated", tenant, at)


def changes(before: Mapping[str, ComplianceStated], listed: Iterable[ComplianceStated]) -> list[Change]:
    """What is news, by account. `before`: by account, what the log holds of the same tenant."""
    found = news(before, {one.account: one for one in listed}, lambda one: Change("gone", one), _changed)
    return sorted(found, key=lambda change: change.fact.account)


def emptied(before: Mapping[str, ComplianceStated], listed: Iterable[ComplianceStated]) -> int:
    """How many registrations accounts had that are listed with none at all now; 0: there is no such account."""
    bare = [one.account for one in listed if not _count(one)]
    return sum(_count(before[account]) for account in bare if account in before)


def _count(one: ComplianceStated) -> int:
    return len(one.brands) + len(one.campaigns) + len(one.verifications)


def _changed(was: ComplianceStated | None, one: ComplianceStated) -> Change:
    told = moved(was, one)
    stops = any(two.stops for two in told)
    return Change("stopped" if stops else "changed" if was else "new", one, tuple(map(str, told)))


class Moved(NamedTuple):
    """A registration that has another status than before. `was`: nothing of one that is new."""

    kind: Literal["brand", "campaign", "toll_free"]
    name: str
    was: str
    status: str
    reason: str | None

    @property
    def stops(self) -> bool:
        """Whether nobody may send by it any more."""
        return state_of(self.status) in STOPPED

    def __str__(self) -> str:
        before = f"{self.was} → " if self.was else ""
        return f"{self.kind} {self.name}: {before}{self.status}" + (f" ({self.reason})" if self.reason else "")


def moved(was: ComplianceStated | None, now: ComplianceStated | None) -> list[Moved]:
    """What has another status; what is gone has none."""
    found = []
    for kind, name, of in _KINDS:
        before = {one.sid: one for one in of(was)} if was else {}
        after = {one.sid: one for one in of(now)} if now else {}
        for sid in sorted({*before, *after}):
            first, last = before.get(sid), after.get(sid)
            told = last or first
            if told is None or (first and last and first.status == last.status):
                continue
            status = last.status if last else "gone"
            found.append(Moved(kind, name(told), first.status if first else "", status, last.reason if last else None))
    return found


_KINDS: tuple[
    tuple[
        Literal["brand", "campaign", "toll_free"],
        Callable[[Any], str],
        Callable[[ComplianceStated], Iterable[Registration]],
    ],
    ...,
] = (
    ("brand", lambda one: one.sid, lambda stated: stated.brands),
    ("campaign", lambda one: f"{one.sid} of {one.service}", lambda stated: stated.campaigns),
    ("toll_free", lambda one: one.sid, lambda stated: stated.verifications),
)


def _sorted(found: Iterable[Any]) -> list[Any]:
    return sorted(found, key=lambda one: one.sid)


def _brand(told: Mapping[str, Any]) -> Brand:
    return Brand(
        sid=_text(told.get("sid")),
        status=_text(told.get("status")),
        type=_text(told.get("brand_type")),
        score=_number(told.get("brand_score")),
        identity=_text(told.get("identity_status")),
        mock=told.get("mock") is True,
        reason=_errors(told.get("errors")) or _text(told.get("failure_reason")) or None,
    )


def _campaign(told: Mapping[str, Any]) -> Campaign:
    limits = told.get("rate_limits")
    limits = limits if isinstance(limits, Mapping) else {}
    att, tmobile = (one if isinstance(one := limits.get(name), Mapping) else {} for name in ("att", "tmobile"))
    rate = att.get("mps")
    return Campaign(
        sid=_text(told.get("sid")),
        service=_text(told.get("messaging_service_sid")),
        status=_text(told.get("campaign_status")),
        brand=_text(told.get("brand_registration_sid")),
        usecase=_text(told.get("us_app_to_person_usecase")),
        links=_flag(told.get("has_embedded_links")),
        phones=_flag(told.get("has_embedded_phone")),
        att_class=_text(att.get("msg_class")) or None,
        att_rate=float(rate) if isinstance(rate, int | float) and 0 <= rate < 1e9 else None,
        tmobile_tier=_text(tmobile.get("brand_tier")) or None,
        mock=told.get("mock") is True,
        reason=_errors(told.get("errors")) or None,
    )


def _verification(told: Mapping[str, Any]) -> Verification:
    return Verification(
        sid=_text(told.get("sid")),
        number=_text(told.get("tollfree_phone_number")),
        status=_text(told.get("status")),
        code=_number(told.get("error_code")),
        reason=_text(told.get("rejection_reason")) or None,
    )


def _errors(told: Any) -> str:
    """The first of what stood against a registration; Twilio has written its fields in several ways."""
    first = told[0] if isinstance(told, list) and told else None
    if not isinstance(first, Mapping):
        return _text(first)
    said = (first.get(name) for name in ("error_code", "errorCode", "code", "description", "message"))
    return " ".join(_text(one) for one in said if one)[:_LONGEST]


def _number(value: Any) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:_LONGEST])
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 31 else None


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _text(value: Any) -> str:
    # As it can be written to the log, and not without end.
    return str(value)[:_LONGEST].encode("utf-8", "replace").decode() if value is not None else ""
