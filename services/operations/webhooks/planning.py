"""What is to be changed at Twilio so that its webhooks reach us, and what is left since it is not ours. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from services.operations.changing import Change, digest_of, shown
from services.operations.webhooks.owners import SHARED, Owners
from services.operations.webhooks.reading import APPLICATION, FIELDS, Endpoint
from services.operations.webhooks.urls import Base, Fit, Role, with_retries
from services.runtime.section import ConfigError

_APPLICATION_SID = re.compile(r"AP[0-9a-fA-F]{32}")
# What may stand behind the beginning of a URL, so that no name of another host begins so; or nothing.
_ENDS = ("", "/", "?", "#", ":")
_REASONS: Mapping[Fit, str] = {
    "none": "nobody is called: what people write, a STOP too, is lost",
    "ours": "it asks for no retries",
    "astray": "it leads to another tenant, or to nothing here",
    "another's": "taken over",
}


@dataclass(frozen=True)
class Rules:
    """What the operator says. `take`: beginnings of URLs, and sids of TwiML apps, that are to become ours.

    `owners`: whose each endpoint is. `asked`: of whom the plan is, where it is not of all; others' are passed over.
    `fallback`: the base URL of an ingress that does not fail with the first, such as one in another region.
    Raises ConfigError where what is to be taken is neither.
    """

    public_url: str
    owners: Owners
    take: tuple[str, ...] = ()
    fallback: str | None = None
    asked: frozenset[str] | None = None

    def __post_init__(self) -> None:
        for one in self.take:
            parts = urlsplit(one)
            if not (_APPLICATION_SID.fullmatch(one) or (parts.scheme in ("http", "https") and parts.hostname)):
                raise ConfigError(f"--take {one!r} names nothing: give https:// and a host at least, or AP…")

    def takes(self, what: str) -> bool:
        """Whether it is one of `take`, or goes on behind one at an end of host, port or path."""
        bare = _bare(what)
        begun = (_bare(one).rstrip("/") for one in self.take)
        return any(bare.startswith(one) and bare[len(one) : len(one) + 1] in _ENDS for one in begun)


@dataclass(frozen=True)
class Left:
    """Inbound that goes past us, and is left so: whose, and what to do."""

    endpoint: Endpoint
    where: str
    remedy: str


@dataclass(frozen=True)
class Plan:
    """`digest` names it: another account's state has another one."""

    changes: tuple[Change, ...]
    left: tuple[Left, ...]
    looked_at: int

    @property
    def digest(self) -> str:
        return digest_of(self.changes)


def planned(found: Iterable[Endpoint], rules: Rules) -> Plan:
    """A change for each endpoint that does not lead to us as it should; what leads elsewhere is left, or taken."""
    changes: list[Change] = []
    left: list[Left] = []
    count = 0
    for endpoint in found:
        count += 1
        # Its service answers: its own URLs are called by nobody.
        if endpoint.service:
            continue
        owner = _owner(endpoint, rules)
        if owner and rules.asked is not None and owner not in rules.asked:
            count -= 1
            continue
        match led(endpoint, rules, owner):
            case Change() as change:
                changes.append(change)
            case Left() as past:
                left.append(past)
    return Plan(tuple(changes), tuple(left), count)


def led(endpoint: Endpoint, rules: Rules, owner: str | None) -> Change | Left | None:
    """What is to be done with one, whose owner is that; see Owners. None: nothing."""
    draft = _Draft(endpoint, rules, owner)
    if (past := draft.inbound()) is not None:
        return past
    draft.fallback()
    draft.status()
    return draft.change() if draft.after else None


def _owner(endpoint: Endpoint, rules: Rules) -> str | None:
    """Whoever is called already; else whose it is."""
    base = Base(rules.public_url, SHARED, rules.owners.of_account(endpoint.account))
    named = base.named(endpoint.url("messages"), "messages")
    return rules.owners.of(endpoint) if named is None else named


class _Draft:
    """The change of one endpoint, role by role."""

    def __init__(self, endpoint: Endpoint, rules: Rules, owner: str | None) -> None:
        self._endpoint, self._rules, self._owner = endpoint, rules, owner
        self._tenants = rules.owners.of_account(endpoint.account)
        self._base = Base(rules.public_url, owner or SHARED, self._tenants)
        self.after: dict[str, str] = {}
        self._why: list[str] = []

    def inbound(self) -> Left | None:
        """Lead inbound to us, or say why it is left."""
        endpoint, rules = self._endpoint, self._rules
        if application := endpoint.fields.get(APPLICATION, ""):
            if not rules.takes(application):
                remedy = f"take the number out of the app, or add --take {application}: its own URL is called then"
                return self._left(f"TwiML app {application}", remedy)
            self._set(APPLICATION, "", "out of its TwiML app")
        if endpoint.defers:
            return None
        url = endpoint.url("messages")
        fit = self._base.fit(url, "messages")
        if fit == "another's" and not rules.takes(url) and not self.after:
            return self._left(shown(url), f"if that is to end, add --take {_origin(url)}")
        if fit != "ours" and self._owner is None:
            remedy = f"one account, and nobody can tell whose it is: let one of {', '.join(self._tenants)} list it"
            return self._left(shown(url) or "nobody", f"{remedy} in allowed_senders")
        self._lead("messages", with_retries(url) if fit == "ours" else self._base.wanted("messages"), _REASONS[fit])
        return None

    def fallback(self) -> None:
        """Ours, where there is none. Another's is on another failure domain, as it should be."""
        url = self._endpoint.url("fallback")
        base = self._base._replace(public_url=self._rules.fallback or self._base.public_url)
        fits = (base.fit(url, "fallback"), self._base.fit(url, "fallback"))
        if fits == ("another's", "another's") and not self._rules.takes(url):
            return
        if fits[0] != "ours" and self._owner is None:
            return
        self._lead("fallback", with_retries(url) if fits[0] == "ours" else base.wanted("fallback"), "fallback")

    def status(self) -> None:
        """Where one is set and leads to us: the sender sets its own on every message."""
        url = self._endpoint.url("status")
        fit = self._base.fit(url, "status")
        if fit == "ours" or (fit == "astray" and self._owner is not None):
            self._lead("status", with_retries(url) if fit == "ours" else self._base.wanted("status"), "status callback")

    def change(self) -> Change:
        one = self._endpoint
        return Change(
            tenant=self._owner or one.tenant,
            account=one.account,
            kind=one.kind,
            sid=one.sid,
            subject=one.subject,
            name=one.name,
            why="; ".join(self._why),
            before={name: one.fields.get(name, "") for name in self.after},
            after=self.after,
        )

    def _left(self, where: str, remedy: str) -> Left:
        whose = self._owner or ", ".join(self._tenants) or self._endpoint.tenant
        return Left(replace(self._endpoint, tenant=whose), where, remedy)

    def _lead(self, role: Role, url: str, why: str) -> None:
        if url != self._endpoint.url(role):
            self._set(FIELDS[self._endpoint.kind][role], url, why)

    def _set(self, name: str, value: str, why: str) -> None:
        self.after[name] = value
        self._why.append(why)


def _bare(url: str) -> str:
    """Without credentials, for an operator does not see them."""
    scheme, there, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{there}{host.rpartition('@')[2]}{slash}{path}"


def _origin(url: str) -> str:
    """Up to the host, without credentials."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
