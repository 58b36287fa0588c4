"""schemas/*.avsc and the event types are one contract, told twice: each is held against the other."""

import io
import json
import types
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import fastavro
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.contract import codec
from services.contract.topics import EVENTS, Topic
from tests.contract.generated import events

SCHEMAS = Path(__file__).parents[2] / "schemas"
SCALARS = {str: "string", int: "long", float: "double", bool: "boolean", types.NoneType: "null"}

each_topic = pytest.mark.parametrize("topic", EVENTS, ids=lambda topic: topic.name)


def schema(topic: Topic) -> dict[str, Any]:
    return json.loads((SCHEMAS / f"{topic.name}.avsc").read_text("utf-8"))


def event_type(topic: Topic) -> type[msgspec.Struct]:
    assert topic.event is not None
    return topic.event


def avro(hint: Any) -> Any:
    """The Avro type that an annotation asks for; a nested record stands as its struct."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        # Avro's default is of the first branch, and ours is null.
        return sorted((avro(one) for one in arguments), key=lambda branch: branch != "null")
    if origin is Literal:
        return "string"  # an enum would make readers with an older schema fail on a value added later
    if origin is list:
        return {"type": "array", "items": avro(arguments[0])}
    if origin is dict:
        return {"type": "map", "values": avro(arguments[1])}
    return SCALARS.get(hint, hint)


def defaulted(field: msgspec.structs.FieldInfo) -> dict[str, Any]:
    """`{"default": …}` as the schema must state it, or nothing."""
    if field.default is not msgspec.NODEFAULT:
        return {"default": field.default}
    if field.default_factory is not msgspec.NODEFAULT:
        return {"default": field.default_factory()}
    return {"default": None} if types.NoneType in get_args(field.type) else {}


def assert_same(record: dict[str, Any], type_: type[msgspec.Struct]) -> None:
    """Field by field: name on the wire, type, default; and a doc on each."""
    assert record["type"] == "record"
    assert record["name"] == type_.__name__
    assert record["doc"]
    of_type = msgspec.structs.fields(type_)
    assert [field["name"] for field in record["fields"]] == [field.encode_name for field in of_type]
    for stated, field in zip(record["fields"], of_type, strict=True):
        wanted = avro(field.type)
        if isinstance(wanted, type):
            assert_same(stated["type"], wanted)
        else:
            assert stated["type"] == wanted, field.name
        assert {key: stated[key] for key in stated if key == "default"} == defaulted(field), field.name
        assert stated["doc"], field.name


def test_every_topic_has_a_schema_and_every_schema_a_topic() -> None:
    assert {path.stem for path in SCHEMAS.glob("*.avsc")} == {topic.name for topic in EVENTS}
    assert [path.name for path in SCHEMAS.iterdir() if path.suffix != ".avsc"] == []


@each_topic
def test_schema_and_type_agree_field_by_field(topic: Topic) -> None:
    assert_same(schema(topic), event_type(topic))


def test_names_are_unique_in_their_namespace() -> None:
    known: dict[str, Any] = {}
    for topic in EVENTS:
        stated = schema(topic)
        assert stated["namespace"] == "switchboard.messages"
        # Raises for a name that an earlier schema took.
        fastavro.parse_schema(stated, named_schemas=known)


@each_topic
@given(data=st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_what_the_codec_writes_is_what_the_schema_allows(topic: Topic, data: st.DataObject) -> None:
    event = data.draw(events(event_type(topic)))
    parsed = fastavro.parse_schema(schema(topic))

    as_json = codec.encode(event)
    assert fastavro.validate(json.loads(as_json), parsed, raise_errors=True)
    assert codec.decode(as_json, event_type(topic)) == event

    written = io.BytesIO()
    fastavro.schemaless_writer(written, parsed, msgspec.to_builtins(event))
    written.seek(0)
    read = fastavro.schemaless_reader(written, parsed, None)
    assert msgspec.convert(read, event_type(topic)) == event
