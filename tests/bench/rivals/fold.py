"""The same fold function in Quix Streams: `BOOTSTRAP GROUP STATE_DIR OUTPUTS`; ends after so many derived events.

State in RocksDB with a changelog topic, at least once. It gets bytes and our codec, which is faster than its own JSON
with dictionaries between, so that engines are compared and not codecs.
"""

import sys
from typing import Any

import msgspec
from quixstreams import Application, State
from quixstreams.models import Serializer

from services.contract import codec
from services.contract.messages import DELIVERY, OUTCOMES, STATUS
from services.contract.topics import topic_of
from services.domain.messages import delivery
from services.domain.messages.events import StatusReceived
from services.domain.messages.ladder import Delivery


class Encoded(Serializer):
    """An event as JSON."""

    def __call__(self, value: Any, ctx: Any) -> bytes:
        return codec.encode(value)


def fold(value: bytes, state: State) -> list[msgspec.Struct]:
    """Read, fold, remember."""
    row = state.get_bytes("delivery")
    before = codec.decode(row, Delivery) if row is not None else None
    after, derived = delivery.fold(before, codec.decode(value, StatusReceived))
    if after != before:
        state.set_bytes("delivery", codec.encode(after))
    return list(derived)


def main(bootstrap: str, group: str, state_dir: str, outputs: str) -> None:
    """Fold until `outputs` events are derived."""
    app = Application(
        broker_address=bootstrap,
        consumer_group=group,
        state_dir=state_dir,
        auto_offset_reset="earliest",
        # As often as Faust commits, and as ours does.
        commit_interval=1.0,
        processing_guarantee="at-least-once",
        producer_extra_config={"acks": "all"},
        loglevel="WARNING",
    )
    source = app.topic(STATUS.name, key_deserializer="bytes", value_deserializer="bytes")
    derived = {
        one.name: app.topic(one.name, key_serializer="string", value_serializer=Encoded())
        for one in (DELIVERY, OUTCOMES)
    }
    app.dataframe(source).apply(fold, stateful=True, expand=True).to_topic(
        lambda event, *_: derived[topic_of(event).name], key=lambda event: topic_of(event).key(event)
    )
    app.run(count=int(outputs), collect=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
