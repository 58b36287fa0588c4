"""Dead letters: the original bytes and key as they were, with the reason and the source in the headers."""

from services.contract import letters
from services.contract.topics import Topic
from services.runtime.folding.fold import Emission, Record

# Together below the broker's default limit of 1 MiB; what is longer is cut, and a header says how long it was. A dead
# letter that the broker refuses would hold its partition up for ever.
_MAX_VALUE_BYTES = 900 * 1024
_MAX_KEY_BYTES = 32 * 1024
_MAX_HEADERS_BYTES = 32 * 1024
_MAX_DETAIL_CHARACTERS = 500


def dead_letter(source: Topic, record: Record, reason: str, detail: str) -> Emission:
    """What to write to the source's dead-letter topic. `reason` is one of few words, `detail` is for people."""
    headers = [
        (letters.REASON, reason.encode()),
        (letters.DETAIL, detail[:_MAX_DETAIL_CHARACTERS].encode()),
        (letters.SOURCE_TOPIC, record.topic.encode()),
        (letters.SOURCE_PARTITION, str(record.partition).encode()),
        (letters.SOURCE_OFFSET, str(record.offset).encode()),
        (letters.SOURCE_TIMESTAMP_MS, str(record.timestamp).encode()),
        *_source_headers(record),
    ]
    key, value = record.key or b"", record.value
    if len(key) > _MAX_KEY_BYTES:
        headers.append((f"{letters.TRUNCATED}key-from-bytes", str(len(key)).encode()))
        key = key[:_MAX_KEY_BYTES]
    if value is not None and len(value) > _MAX_VALUE_BYTES:
        headers.append((f"{letters.TRUNCATED}from-bytes", str(len(value)).encode()))
        value = value[:_MAX_VALUE_BYTES]
    return Emission(source.dead, key, value, headers)


def _source_headers(record: Record) -> list[tuple[str, bytes]]:
    """The record's own headers under other names, as far as there is room."""
    kept: list[tuple[str, bytes]] = []
    room = _MAX_HEADERS_BYTES
    for name, content in record.headers:
        header = (f"{letters.KEPT}{name}", content or b"")
        # A few bytes for the frame of each, so that empty ones count too.
        room -= len(header[0].encode()) + len(header[1]) + 10
        if room < 0:
            return [*kept, (f"{letters.TRUNCATED}headers-from-count", str(len(record.headers)).encode())]
        kept.append(header)
    return kept
