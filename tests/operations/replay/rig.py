"""What the tests hold: raw facts of people in each partition, and the log as everybody sees it."""

import itertools
import uuid
from collections.abc import Iterator
from typing import Any

from services.contract.codec import encode
from services.contract.partition import partition_of
from services.contract.topics import topic_of
from services.domain.consent.hearing import Message, hear
from services.domain.contact import contact_key
from services.domain.messages.events import InboundReceived, StatusReceived
from services.runtime.clock import now
from tests.kafka_records import produce
from tests.processes import ACCOUNT, PARTITIONS, SECRETS

SENDER = "+14155550100"


def contact_of(address: str) -> str:
    return contact_key("acme", address, SECRETS["TEST_CONTACT_SECRET"].encode())


def heard(address: str, body: str, **other: Any) -> InboundReceived:
    """A message to us, by the channel of the address."""
    sid = f"SM{uuid.uuid4().hex}"
    channel = "whatsapp:" if address.startswith("whatsapp:") else ""
    fields = {"tenant": "acme", "received_at": now(), "raw": {"Body": body}} | other
    return InboundReceived(
        event_id=f"heard {sid}", contact=contact_of(address), account_sid=ACCOUNT, message_sid=sid,
        from_=address, to=f"{channel}{SENDER}", body=body, num_media=0,
        heard=hear(Message(to=f"{channel}{SENDER}", body=body)), **fields,
    )  # fmt: skip


def told(sid: str, status: str, **other: Any) -> StatusReceived:
    """How far a message of ours is."""
    fields = {"received_at": now(), "contact": contact_of("+14155550123")} | other
    return StatusReceived(
        event_id=f"told {sid} {status}", tenant="acme", account_sid=ACCOUNT, message_sid=sid, message_status=status,
        from_=SENDER, to="+14155550123", raw={}, **fields,
    )  # fmt: skip


def people(channel: str = "") -> Iterator[str]:
    """Addresses that nobody had before."""
    start = uuid.uuid4().int % 80_000
    return (f"{channel}+1415{5_500_000 + number}" for number in itertools.count(start))


def one_in_each_partition(addresses: Iterator[str]) -> list[str]:
    """The first of these whose contact lies in each partition."""
    found: dict[int, str] = {}
    while len(found) < PARTITIONS:
        address = next(addresses)
        found.setdefault(partition_of(contact_of(address).encode(), PARTITIONS), address)
    return list(found.values())


async def write(bootstrap: str, *facts: InboundReceived | StatusReceived) -> None:
    """As ingress does, but for the headers."""
    for fact in facts:
        topic = topic_of(fact)
        await produce(bootstrap, topic.name, [(topic.key(fact).encode(), encode(fact))])
