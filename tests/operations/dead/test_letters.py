"""Letters as they are read: whatever stands among them, and nothing of what they say."""

import json
import re

import pytest
from aiokafka import ConsumerRecord
from hypothesis import given
from hypothesis import strategies as st

from services.contract.codec import headers as codec_headers
from services.contract.letters import Position
from services.contract.messages import INBOUND, MESSAGES
from services.operations.dead.letters import position, read_letter
from services.operations.dead.masked import shape
from services.runtime.batches import unread
from services.runtime.folding.dead import Why, dead_letter
from services.runtime.folding.fold import Record

HEADER_NAMES = st.sampled_from(
    ["reason", "source-topic", "source-partition", "source-offset", "source-timestamp-ms", "truncated-from-bytes", "x"]
)
FIELDS = {"body", "from", "to", "contact", "raw"}


def consumed(key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]]) -> ConsumerRecord:
    return ConsumerRecord(INBOUND.dead, 0, 7, 1000, 0, key, value, None, 0, 0, headers)


@given(
    st.none() | st.binary(max_size=20),
    st.none() | st.binary(max_size=20),
    st.lists(st.tuples(HEADER_NAMES, st.sampled_from([b"", b"0", b"-1", b"\xff", INBOUND.name.encode()]))),
)
def test_whatever_stands_there_is_read(
    key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]]
) -> None:
    letter = read_letter(consumed(key, value, headers))
    assert (letter.key, letter.value) == (key, value)
    assert position(str(letter.name)) == letter.name
    assert letter.name.topic in (INBOUND.name, INBOUND.dead)
    assert letter.obstacle or letter.name.topic == INBOUND.name


@given(
    st.binary(min_size=1, max_size=20),
    st.none() | st.binary(max_size=20),
    st.lists(st.tuples(st.text(max_size=9), st.binary(max_size=9))),
)
def test_a_letter_holds_the_record_that_it_was(
    key: bytes, value: bytes | None, headers: list[tuple[str, bytes]]
) -> None:
    headers = [*codec_headers(INBOUND.name), *headers]
    record = Record(INBOUND.name, 3, 17, 1000, key, value, headers)
    buried = dead_letter(INBOUND, record, Why("undecodable", "why"))
    letter = read_letter(consumed(buried.key, buried.value, buried.headers))
    assert (letter.name, letter.key, letter.value) == (Position(INBOUND.name, 3, 17), key, value)
    assert (list(letter.headers), letter.timestamp_ms, letter.obstacle) == (headers, 1000, "")


@pytest.mark.parametrize(("version", "named"), [(None, "none"), (b"1", "1")])
def test_a_record_keyed_by_other_aliases_is_not_retried(version: bytes | None, named: str) -> None:
    headers = [] if version is None else [("alias-version", version)]
    buried = dead_letter(INBOUND, Record(INBOUND.name, 3, 17, 1000, b"k", b"{", headers), Why("undecodable", "why"))
    assert f"alias version {named}," in read_letter(consumed(buried.key, buried.value, buried.headers)).obstacle


def test_a_whole_batch_is_no_record_to_be_retried() -> None:
    batch = unread(b"a batch", "offsets 1 to 3 cannot be read", batch=True)
    buried = dead_letter(INBOUND, Record(INBOUND.name, 3, 17, 1000, None, batch, []), Why("undecodable", batch.why))
    letter = read_letter(consumed(buried.key, buried.value, buried.headers))
    assert letter.obstacle == "it is a whole record batch, and no record"


@given(st.dictionaries(st.sampled_from(sorted(FIELDS)), st.text()), st.integers(0, 40), st.booleans())
def test_a_shape_tells_nothing_but_the_names_of_fields(said: dict[str, str], cut: int, ascii_only: bool) -> None:
    value = json.dumps(said, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    shown = shape(value[: len(value) - cut] if cut else value, INBOUND)
    left = re.sub("|".join(f'"{name}"(?=:)' for name in FIELDS), "", shown)
    assert set(re.findall(r"\w", left)) <= {"x", "0", "_"}
    assert not re.search(r"[\x00-\x1f\x7f-\x9f]", shown)


def test_a_shape_is_of_bounded_length() -> None:
    assert len(shape(b"y" * 1_000_000, MESSAGES)) < 3000
