"""A tenant's accounts at Twilio: credentials, standing, clock, senders against services, webhooks, alerts."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import NamedTuple
from urllib.parse import urlsplit

import requests

from services.domain.codes import webhooks as codes
from services.domain.errors import explain
from services.domain.senders.events import SendersStated
from services.domain.senders.listing import Listed, changes, joined
from services.operations.calling import PAGE_SIZE, Account, TwilioError, accounts, asking, client
from services.operations.doctor.finding import Finding, Level
from services.operations.senders import listed
from services.operations.studio.reading import flow_of
from services.operations.webhooks.owners import Owners
from services.operations.webhooks.planning import Plan, Rules, planned
from services.operations.webhooks.reading import endpoints
from services.runtime.clock import CLOCK, now
from services.runtime.config import Settings
from services.runtime.masking import mask
from services.runtime.tenants.settings import TenantSettings

_DAY = timedelta(days=1)
# Half of the minute within which a START does not release a STOP.
_APART_MS = 30_000
_MOST_ALERTS = 10_000
_UNAUTHORISED = 401


Show = Callable[[str], str]


class Recorded(NamedTuple):
    """What the log has of a tenant: its lists of senders, and the flows that are read."""

    senders: SendersStated | None = None
    watched: frozenset[str] = frozenset()


class Examined:
    """One of the tenants, look by look.

    `recorded`: what the log has of it; `show`: how a sender is shown.
    """

    def __init__(
        self,
        name: str,
        settings: Settings,
        tenants: Mapping[str, TenantSettings],
        recorded: Recorded,
        show: Show,
    ) -> None:
        self._name, self._settings, self._tenant, self._tenants = name, settings, tenants[name], tenants
        self._before, self._watched, self._show = recorded.senders, recorded.watched, show
        self._apart_ms: list[int] = []

    def findings(self) -> Iterator[Finding]:
        """Calls Twilio, so it takes a while. What cannot be looked at is a finding of its own."""
        if self._tenant.state == "closed":
            yield Finding("twilio", "note", self._name, "closed: it sends nothing, so its account is not looked at")
            return
        standing = list(self._standing())
        yield from standing
        yield from self._clock()
        if any(one.level != "fine" and one.check == "credentials" for one in standing):
            yield Finding("webhooks", "unknown", self._name, "not looked at", "mend the account's credentials first")
            return
        for look in (self._senders, self._webhooks, self._alerts):
            try:
                yield from look()
            except TwilioError as error:
                yield Finding(look.__name__.strip("_"), "unknown", self._name, str(error), "see to it, and look again")

    def _standing(self) -> Iterator[Finding]:
        """By each token: an API key may not ask, and a token that is not accepted signs nothing either."""
        twilio = self._settings.twilio.in_region(self._tenant.region)
        for sid, tokens in {self._tenant.account_sid: self._tenant.auth_tokens, **self._tenant.subaccounts}.items():
            for place, token in enumerate(tokens, 1):
                asked = client((sid, token.get_secret_value()), sid, twilio, self._heard)
                account = Account(self._name, sid, asked, twilio, sid == self._tenant.account_sid)
                yield self._by_token(account, place)

    def _by_token(self, account: Account, place: int) -> Finding:
        about = f"{account.tenant} {account.sid}"
        try:
            with asking(account, "fetch the resource"):
                found = account.client.api.v2010.accounts(account.sid).fetch()
        except TwilioError as error:
            if error.status != _UNAUTHORISED:
                return Finding("credentials", "unknown", about, str(error), "see to it, and look again")
            says = f"Twilio does not accept auth token {place} (401)"
            remedy = (
                "put the current one into the settings; is it of the region of twilio.api? One that is rotated out goes"
            )
            return Finding("credentials", "fault", about, says, remedy)
        if found.status != "active":
            remedy = "Twilio's console says why; until it is active nothing is sent and nothing comes in"
            return Finding("credentials", "fault", about, f"the account is {found.status}", remedy)
        if found.type == "Trial":
            return Finding(
                "account", "note", about, "a trial: it writes to verified numbers only, and adds a text of its own"
            )
        return Finding("credentials", "fine", about, f"auth token {place} is accepted, the account is active")

    def _clock(self) -> Iterator[Finding]:
        if not self._apart_ms:
            return
        apart_ms = min(self._apart_ms, key=abs)
        if abs(apart_ms) > _APART_MS:
            way = "behind" if apart_ms > 0 else "ahead of"
            says = f"our clock is {abs(apart_ms) / 1000:,.0f} s {way} Twilio's"
            yield Finding("clock", "fault", "twilio", says, "set it by NTP: STOP and START are told apart by it")
        else:
            yield Finding("clock", "fine", "twilio", "our clock is Twilio's, to some seconds")

    def _heard(self, answer: requests.Response) -> None:
        if date := answer.headers.get("Date"):
            theirs = parsedate_to_datetime(date).astimezone(UTC).timestamp()
            # It counts whole seconds, and the answer was under way.
            self._apart_ms.append(int(theirs * 1000) - CLOCK.milliseconds())

    def _senders(self) -> Iterator[Finding]:
        read = listed(self._name, self._tenant, self._settings.twilio)
        yield from self._named(read)
        news = changes(self._before, joined(self._before, self._name, read, now()))
        if news:
            remedy = "switchboard senders apply, daily: an opt-out holds for a whole service"
            yield Finding("senders", "fault", self._name, f"{len(news)} changes at Twilio are not on the log", remedy)
        else:
            yield Finding("senders", "fine", self._name, f"{len(read.senders)} numbers, {len(read.members)} services")

    def _named(self, read: Listed) -> Iterator[Finding]:
        """What the settings name must be there."""
        tenant = self._tenant
        known = {*read.senders, *read.members, *(one for members in read.members.values() for one in members)}
        pools = [sender for route in tenant.routing.routes for sender in route.pool]
        routed = (tenant.routing.default_messaging_service_sid, *pools)
        services = {one for one in (*routed, *tenant.allowed_senders) if one and one.startswith("MG")}
        for sid in sorted(services - read.members.keys()):
            yield Finding(
                "senders",
                "fault",
                self._name,
                f"the settings name {sid}, which is no service of the account",
                "correct it",
            )
        for sid in sorted(services & read.members.keys()):
            if not read.members[sid]:
                yield Finding(
                    "senders",
                    "fault",
                    self._name,
                    f"{sid} has no sender: nothing can go by it",
                    "switchboard services apply",
                )
        for sender in dict.fromkeys((*tenant.allowed_senders, *routed)):
            # WhatsApp and RCS senders stand in no list of the account's numbers.
            if sender and sender.startswith("+") and sender not in known:
                says = f"the settings name {self._show(sender)}, which is no number of the account"
                yield self._wrong(says, "correct it, or buy the number")

    def _wrong(self, says: str, remedy: str) -> Finding:
        return Finding("senders", "fault", self._name, says, remedy)

    def _webhooks(self) -> Iterator[Finding]:
        known = accounts(self._name, self._tenant, self._settings.twilio, self._heard)
        rules = Rules(self._settings.public_url, Owners(self._tenants), asked=frozenset([self._name]))
        found = planned((one for account in known for one in endpoints(account)), rules)
        yield from self._led(found)
        if not found.changes and not found.left:
            yield Finding("webhooks", "fine", self._name, f"{found.looked_at} numbers, services and senders lead to us")

    def _led(self, found: Plan) -> Iterator[Finding]:
        for change in found.changes:
            about = f"{self._name} {change.kind} {self._show(change.name)}"
            yield Finding("webhooks", "fault", about, change.why, "switchboard webhooks plan; then apply")
        for left in found.left:
            about = f"{self._name} {left.endpoint.kind} {self._show(left.endpoint.name)}"
            # Who named the senders that are ours has said that others are not.
            ours = self._tenant.allowed_senders
            level: Level = "note" if ours and left.endpoint.name not in ours else "fault"
            if (flow := flow_of(left.where)) is not None:
                yield self._to_a_flow(about, flow, level)
                continue
            says = f"what people write to it goes past us, to {left.where}: a STOP too"
            yield Finding("webhooks", level, about, says, left.remedy)

    def _to_a_flow(self, about: str, flow: str, level: Level) -> Finding:
        if flow in self._watched:
            return Finding("webhooks", "note", about, f"what people write to it goes to flow {flow}, which is read")
        says = f"what people write to it goes to Studio's flow {flow} and past us: a STOP too"
        return Finding("webhooks", level, about, says, f"switchboard studio watch {flow} --tenant {self._name}")

    def _alerts(self) -> Iterator[Finding]:
        since = datetime.fromtimestamp(CLOCK.milliseconds() / 1000, UTC) - _DAY
        found: Counter[tuple[int, bool]] = Counter()
        for account in accounts(self._name, self._tenant, self._settings.twilio, self._heard):
            with asking(account, "list the alerts"):
                every = account.client.monitor.v1.alerts.stream(start_date=since, page_size=PAGE_SIZE)
                found.update(
                    _counted(one.error_code, one.request_url, self._settings) for one in islice(every, _MOST_ALERTS)
                )
        for (code, ours), count in sorted(found.items()):
            yield self._alert(code, ours, count)
        if not found:
            yield Finding("alerts", "fine", self._name, "none in the last day")

    def _alert(self, code: int, ours: bool, count: int) -> Finding:
        least = "at least " if count >= _MOST_ALERTS else ""
        says = f"{code}, {least}{count:,} times in the last day"
        remedy = explain(code).remedy
        if code in codes.TABLE and ours:
            lost = " Then: switchboard backfill, for what was lost."
            return Finding("alerts", "fault", f"{self._name} {code}", f"{says}, of calls to us", remedy + lost)
        return Finding("alerts", "note", f"{self._name} {code}", says, remedy)


def _counted(code: str | None, url: str | None, settings: Settings) -> tuple[int, bool]:
    """The code, and whether it is about a call to us; where no URL is told, it may be."""
    host = urlsplit(url or "").hostname
    number = int(code) if code and code.isascii() and code.isdigit() else 0
    return number, host in (None, urlsplit(settings.public_url).hostname)


def masked(name: str) -> str:
    """A sender, without its number; names of services stay."""
    return mask(name) if "+" in name else name
