"""All that Twilio calls a webhook from: numbers, short codes, Messaging Services, WhatsApp and RCS senders."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from services.operations.calling import PAGE_SIZE, Account, asking
from services.operations.changing import Kind
from services.operations.senders import channel_senders
from services.operations.webhooks.urls import Role

# Where each kind keeps the URL of a role.
FIELDS: Mapping[Kind, Mapping[Role, str]] = {
    "number": {"messages": "sms_url", "fallback": "sms_fallback_url"},
    "short code": {"messages": "sms_url", "fallback": "sms_fallback_url"},
    "service": {"messages": "inbound_request_url", "fallback": "fallback_url", "status": "status_callback"},
    "channel sender": {"messages": "callback_url", "fallback": "fallback_url", "status": "status_callback_url"},
}
# A TwiML app, which comes before a number's own URLs.
APPLICATION = "sms_application_sid"
_COLLECTIONS: Mapping[Kind, str] = {
    "number": "IncomingPhoneNumbers",
    "short code": "SMS/ShortCodes",
    "service": "Services",
    "channel sender": "Channels/Senders",
}


@dataclass(frozen=True)
class Endpoint:
    """One of them. `fields`: what it has set, empty where nothing is. `name`: the sender, or the service's name.

    `service`: the Messaging Service that answers for it; empty: it answers for itself. `defers`: a service that leaves
    that to its members.
    """

    tenant: str
    account: str
    kind: Kind
    sid: str
    name: str
    fields: Mapping[str, str]
    service: str = ""
    defers: bool = False

    @property
    def subject(self) -> str:
        """Its path at Twilio."""
        return f"Accounts/{self.account}/{_COLLECTIONS[self.kind]}/{self.sid}"

    def url(self, role: Role) -> str:
        name = FIELDS[self.kind].get(role)
        return self.fields.get(name, "") if name else ""


def endpoints(account: Account) -> Iterator[Endpoint]:
    """Every one of an account, numbers by pages of 1,000. Raises TwilioError where any list cannot be read whole."""
    services, member_of = _services(account)
    yield from services
    with asking(account, "list the numbers"):
        for number in account.client.incoming_phone_numbers.stream(page_size=PAGE_SIZE):
            yield _sender(account, "number", number, number.phone_number, member_of)
        for code in account.client.api.account.short_codes.stream(page_size=PAGE_SIZE):
            yield _sender(account, "short code", code, code.short_code, member_of)
    with asking(account, "list the WhatsApp and RCS senders"):
        for sender in channel_senders(account.client):
            # A Messaging Service's URLs are for SMS: a channel's sender answers for itself.
            yield _endpoint(account, "channel sender", sender.sid, sender.sender_id, sender.webhook)


def _services(account: Account) -> tuple[list[Endpoint], dict[str, str]]:
    """The services; and by the sid of a number which of them answers for it."""
    found: list[Endpoint] = []
    member_of: dict[str, str] = {}
    with asking(account, "list the Messaging Services"):
        for service in account.client.messaging.v1.services.stream(page_size=PAGE_SIZE):
            defers = bool(service.use_inbound_webhook_on_number)
            found.append(_endpoint(account, "service", service.sid, service.friendly_name, service, defers=defers))
            if not defers:
                for pool in (service.phone_numbers, service.short_codes):
                    member_of |= {one.sid: service.sid for one in pool.stream(page_size=PAGE_SIZE)}
    return found, member_of


def _sender(account: Account, kind: Kind, given: Any, name: str, member_of: Mapping[str, str]) -> Endpoint:
    return _endpoint(account, kind, given.sid, name, given, service=member_of.get(given.sid, ""))


def _endpoint(account: Account, kind: Kind, sid: str, name: str, given: Any, **more: Any) -> Endpoint:
    return Endpoint(account.tenant, account.sid, kind, sid, name or sid, fields_of(kind, given), **more)


def fields_of(kind: Kind, given: Any) -> dict[str, str]:
    """What a resource of the package's has set of that which concerns webhooks."""
    names = [*FIELDS[kind].values(), *([APPLICATION] if kind == "number" else [])]
    # The package leaves a channel sender's webhook as it came: a dict, or None where nothing was ever set.
    found = given if isinstance(given, dict) else vars(given) if given is not None else {}
    return {name: found.get(name) or "" for name in names}
