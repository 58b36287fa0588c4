"""An account's Messaging Services with their members, and the senders that it could put into them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from services.operations.calling import PAGE_SIZE, Account, asking
from services.operations.senders import channel_senders, members_of, numbers_of
from services.operations.services.wanted import as_text
from services.operations.webhooks.reading import Endpoint, fields_of

_SETTINGS = (
    *("friendly_name", "use_inbound_webhook_on_number", "sticky_sender", "area_code_geomatch", "smart_encoding"),
    *("mms_converter", "validity_period", "usecase"),
)


@dataclass(frozen=True)
class Service:
    """`members`: sender → its sid in the pool. `settings`: fields as texts."""

    endpoint: Endpoint
    settings: Mapping[str, str]
    members: Mapping[str, str]


@dataclass(frozen=True)
class Holding:
    """What one account has. `senders`: sender → its sid (PN…, SC…, XE…)."""

    tenant: str
    account: str
    services: tuple[Service, ...]
    senders: Mapping[str, str]


def holding(account: Account) -> Holding:
    """Raises TwilioError where any list cannot be read whole."""
    client = account.client
    with asking(account, "list the Messaging Services"):
        services = tuple(_service(account, one) for one in client.messaging.v1.services.stream(page_size=PAGE_SIZE))
    with asking(account, "list the senders"):
        return Holding(account.tenant, account.sid, services, dict(_senders(account)))


def settings_of(service: Any) -> dict[str, str]:
    return {name: as_text(getattr(service, name, None)) for name in _SETTINGS}


def collection_of(sender: str) -> str:
    """The collection of a service in which such a sender is."""
    if ":" in sender:
        return "ChannelSenders"
    if sender.startswith("+"):
        return "PhoneNumbers"
    return "ShortCodes" if sender.isdigit() else "AlphaSenders"


def _service(account: Account, one: Any) -> Service:
    fields, defers = fields_of("service", one), bool(one.use_inbound_webhook_on_number)
    endpoint = Endpoint(account.tenant, account.sid, "service", one.sid, one.friendly_name, fields, defers=defers)
    return Service(endpoint, settings_of(one), dict(members_of(one)))


def _senders(account: Account) -> Iterator[tuple[str, str]]:
    yield from numbers_of(account.client)
    for sender in channel_senders(account.client):
        yield sender.sender_id, sender.sid
