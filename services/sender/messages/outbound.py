"""Messages, put together: their calls, and how what they created is found."""

from services.domain.messages.commands import CommandAccepted
from services.domain.messages.effects import EFFECTS
from services.domain.messages.introduced import Texts, with_text
from services.domain.messages.posted import Posted, posted
from services.runtime.tenants.derived import Derived
from services.runtime.tenants.settings import TenantSettings
from services.sender.messages.asking import ask, media, priced, template, text
from services.sender.messages.creating import create
from services.sender.messages.dater import Dater
from services.sender.messages.dates import Dates
from services.sender.messages.finding import Finding, Times
from services.sender.messages.listing import Listing
from services.sender.messages.rates import limits, units
from services.sender.messages.status_urls import StatusUrls
from services.sender.outbound import Call, Outbound, Parts, Request
from services.sender.outcomes import Refusal
from services.sender.paces import RateLimit

_HOST = "api"


def outbound(parts: Parts) -> Outbound:
    """The product in a running sender."""
    settings, tenants, registries, catalogues = parts
    url, times = (
        settings.twilio.urls[_HOST],
        Times(settings.sender.attempt_deadline_s, settings.sender.request_timeout_s),
    )
    listings = Derived(tenants, lambda _, tenant: Listing(tenant, url, times.request_timeout_s))
    dates = Derived(tenants, lambda _, tenant: Dates(tenant, url, times.request_timeout_s))
    # Where Twilio is polled, it cannot call us.
    status_urls = None if settings.twilio.polled else StatusUrls(tenants, settings.public_url)

    def rated(name: str, tenant: TenantSettings, sender: str, towards: str) -> list[RateLimit]:
        return limits(tenant.rate_limits, sender, towards, registries.of(name))

    def request(call: Call) -> Request | Refusal:
        return create(call, None if status_urls is None else status_urls.of(call.tenant, call.command))

    def listing(name: str) -> Listing | None:
        tenant = tenants.get(name)
        # Of an account that several share nobody could tell whose message it is.
        return listings.get(name) if tenant is not None and len(tenants.of_account(tenant.account_sid)) == 1 else None

    def ways(command: CommandAccepted) -> frozenset[Posted]:
        tenant, named = tenants.get(command.tenant), template(command)
        meant = catalogues.of(command.tenant).meant(named.content_sid, named.name, named.language) if named else ()
        rules = tenant.compliance if tenant is not None else None
        return posted(command, meant, Texts(rules.stop_text, rules.help_text) if rules is not None else None)

    finding = Finding(listing, dates.get, times, ways)
    return Outbound(
        effects=EFFECTS,
        host=_HOST,
        ask=ask,
        request=request,
        limits=rated,
        units=units,
        holds_up_s=settings.sender.ambiguous_wait_s,
        find=finding.find,
        check=finding.check,
        listeners=(Dater(dates),),
        template=template,
        text=text,
        beside=with_text,
        estimate=priced,
        media=media,
    )
