"""A message that somebody wrote to us, by its MessageSid. The log is keyed by person: it is read until it is found."""

from services.contract.codec import DecodeError, decode
from services.contract.messages import INBOUND
from services.domain.messages.events import InboundReceived
from services.operations.log import LogReader, check, readable
from services.runtime.config import Settings


async def find_inbound(settings: Settings, sid: str) -> InboundReceived | None:
    """The first fact about it, or None. Raises ConfigError, a sentence, when the log cannot be read."""
    await check(settings.kafka, [INBOUND.name])
    wanted = sid.encode()
    with readable(settings.kafka):
        async with LogReader(settings.kafka, None) as log:
            async for records in log.batches(INBOUND, lambda _done, _total: None):
                for record in records:
                    # Most would be decoded for nothing otherwise.
                    if record.value is not None and wanted in record.value and (fact := _read(record.value, sid)):
                        return fact
    return None


def _read(value: bytes, sid: str) -> InboundReceived | None:
    try:
        fact = decode(value, InboundReceived)
    except DecodeError:
        return None
    return fact if fact.message_sid == sid else None
