"""A tenant's senders and Messaging Services, as Twilio lists them and as the log knows them.

All of it or nothing: a part is no answer.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from twilio.rest import Client

from services.contract import codec
from services.contract.senders import SENDERS
from services.domain.senders.events import LIST, SendersStated
from services.domain.senders.listing import Listed
from services.operations.calling import PAGE_SIZE, accounts, asking
from services.operations.log import LogReader, check, readable
from services.runtime.sections.kafka import KafkaSettings
from services.runtime.sections.twilio import TwilioSettings
from services.runtime.tenants.settings import TenantSettings

# Collection below a service, and how a member of it is called there.
POOLS = {
    "PhoneNumbers": ("phone_numbers", "phone_number"),
    "ShortCodes": ("short_codes", "short_code"),
    "AlphaSenders": ("alpha_senders", "alpha_sender"),
    "ChannelSenders": ("channel_senders", "sender"),
}
_CHANNELS = ("whatsapp", "rcs")


def listed(name: str, tenant: TenantSettings, twilio: TwilioSettings) -> Listed:
    """Of the tenant's account and its subaccounts. Raises TwilioError where any list cannot be read whole."""
    senders: list[str] = []
    members: dict[str, tuple[str, ...]] = {}
    for account in accounts(name, tenant, twilio):
        with asking(account, "list the senders"):
            # Other senders are known by the services that they are in.
            senders += _named(numbers_of(account.client))
            for service in account.client.messaging.v1.services.stream(page_size=PAGE_SIZE):
                members[service.sid] = tuple(_named(members_of(service)))
    return Listed(tuple(senders), members)


async def known(kafka: KafkaSettings) -> dict[str, SendersStated]:
    """By tenant what earlier lists have said. Raises LogError."""
    await check(kafka, [SENDERS.name])
    found: dict[str, SendersStated] = {}
    with readable(kafka):
        async with LogReader(kafka, None) as log:
            async for records in log.batches(SENDERS, lambda _done, _total: None):
                found |= {one.tenant: one for one in _lists(record.value for record in records)}
    return found


def _lists(values: Iterable[bytes | None]) -> list[SendersStated]:
    found = [codec.decode(value, SendersStated) for value in values if value is not None]
    return [one for one in found if one.part == LIST]


def numbers_of(client: Client) -> Iterator[tuple[str, str]]:
    """Numbers and short codes of the account, each with its sid."""
    for number in client.incoming_phone_numbers.stream(page_size=PAGE_SIZE):
        yield number.phone_number, number.sid
    for code in client.api.account.short_codes.stream(page_size=PAGE_SIZE):
        yield code.short_code, code.sid


def channel_senders(client: Client) -> Iterator[Any]:
    """WhatsApp and RCS senders of the account, as Twilio lists them."""
    for channel in _CHANNELS:
        yield from client.messaging.v2.channels_senders.stream(channel=channel, page_size=PAGE_SIZE)


def members_of(service: Any) -> Iterator[tuple[str, str]]:
    """Everyone in the pools of a service, each with its sid there."""
    for pool, name in POOLS.values():
        for member in getattr(service, pool).stream(page_size=PAGE_SIZE):
            yield getattr(member, name), member.sid


def _named(found: Iterable[tuple[str, str]]) -> Iterator[str]:
    return (address for address, _ in found if address)
