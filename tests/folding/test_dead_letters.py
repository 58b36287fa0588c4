"""What cannot be folded goes to the dead letters on a real broker, however big it is, and the partition goes on."""

import pytest
from aiokafka import AIOKafkaProducer

from services.contract import codec
from tests.folding.rig import Rig
from tests.folding.tally import Fact

# As much as the broker takes, but for the record's frame.
_ALMOST = 1_048_400


@pytest.mark.parametrize(
    ("key", "value", "header"),
    [
        (b"key-0", b"\xff\x00not json", b""),
        (b"key-0", None, b""),
        (b"key-0", codec.encode(Fact("refused", "key-0", "refuse")), b""),
        (b"key-0", b"x" * _ALMOST, b""),
        (b"k" * _ALMOST, b"x", b""),
        (b"k" * 126_000, b"x" * (_ALMOST - 126_000), b""),
        (b"key-0", b"x", b"h" * _ALMOST),
    ],
    ids=["undecodable", "tombstone", "unfoldable", "long value", "long key", "long both", "long header"],
)
async def test_the_partition_goes_on_past_it(rig: Rig, key: bytes, value: bytes | None, header: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=rig.bootstrap, max_request_size=2 << 20) as producer:
        await producer.send_and_wait(rig.source, value, key=key, headers=[("kept", header)])
    (odd,) = await rig.read(rig.source)
    await rig.tell(rig.facts(40))
    worker = rig.start()
    await worker.ready(rig.partitions)
    await rig.folded(ignoring={(odd.partition, odd.offset)})

    (letter,) = await rig.read(rig.dead)
    headers = dict(letter.headers)
    assert (headers["source-partition"], headers["source-offset"]) == (str(odd.partition).encode(), b"0")
    whole = (letter.key, letter.value, headers.get("source-header-kept")) == (key, value, header)
    assert whole or any(name.startswith("truncated-") for name in headers)
    assert key.startswith(letter.key)
    assert (letter.value is None) if value is None else value.startswith(letter.value)
    assert header.startswith(headers.get("source-header-kept", b""))
    await worker.stop()
