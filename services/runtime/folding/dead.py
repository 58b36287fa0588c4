"""Dead letters: the original bytes and key as they were, with the reason and the source in the headers."""

from typing import NamedTuple

from services.contract import letters
from services.contract.topic import Topic
from services.runtime.batches import HEADERS_CUT, MAX_HEADERS_BYTES, MAX_KEY_BYTES, MAX_VALUE_BYTES, Cut, Unread, within
from services.runtime.folding.fold import Emission, Record

# Value, key and headers are together below the broker's default limit of 1 MiB; what is longer is cut, and a header
# says how long it was. A dead letter that the broker refuses would hold its partition up for ever.
_MAX_DETAIL_CHARACTERS = 500


class Why(NamedTuple):
    """Why a record is a dead letter: `reason` is one of few words, `detail` is for people.

    `steps`: those of the fold that could not take it, where it could be decoded; the others have.
    """

    reason: str
    detail: str
    steps: tuple[str, ...] = ()


def dead_letter(source: Topic, record: Record, why: Why, holds: bool = False) -> Emission:
    """What to write to the source's dead-letter topic. `holds`: a hold was placed for it on its contact."""
    headers = [
        (letters.REASON, why.reason.encode()),
        (letters.DETAIL, why.detail[:_MAX_DETAIL_CHARACTERS].encode()),
        *([(letters.STEPS, ",".join(why.steps).encode())] if why.steps else []),
        *([(letters.HOLDS, b"1")] if holds else []),
        (letters.SOURCE_TOPIC, record.topic.encode()),
        (letters.SOURCE_PARTITION, str(record.partition).encode()),
        (letters.SOURCE_OFFSET, str(record.offset).encode()),
        (letters.SOURCE_TIMESTAMP_MS, str(record.timestamp).encode()),
        *_source_headers(record),
    ]
    key, value = record.key or b"", record.value
    if (whole := _whole(key)) > MAX_KEY_BYTES:
        headers.append((f"{letters.TRUNCATED}key-from-bytes", str(whole).encode()))
    if value is not None and (whole := _whole(value)) > MAX_VALUE_BYTES:
        headers.append((f"{letters.TRUNCATED}from-bytes", str(whole).encode()))
    if isinstance(value, Unread) and value.batch:
        headers.append((letters.WHOLE_BATCH, b"1"))
    return Emission(source.dead, key[:MAX_KEY_BYTES], value and value[:MAX_VALUE_BYTES], headers)


def _whole(text: bytes) -> int:
    """How long it was when it was read."""
    return text.whole if isinstance(text, Cut) else len(text)


def _source_headers(record: Record) -> list[tuple[str, bytes]]:
    """The record's own headers under other names, as far as there is room."""
    named = [(name if name == HEADERS_CUT else f"{letters.KEPT}{name}", content) for name, content in record.headers]
    return [(name, content or b"") for name, content in within(named, MAX_HEADERS_BYTES)]
