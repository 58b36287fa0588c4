"""schemas/*.avsc and the event types are one contract, told twice: each is held against the other."""

import io
import json
import types
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import fastavro
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.contract import codec
from services.contract.outbound import ACCEPTED, RESULTS
from services.contract.topic import Topic
from services.contract.topics import EVENTS
from tests.contract.generated import events

SCHEMAS = Path(__file__).parents[2] / "schemas"
NAMESPACE = "switchboard.messages"
# A decimal is a text, and so exact.
SCALARS = {Decimal: "string", str: "string", int: "long", float: "double", bool: "boolean", types.NoneType: "null"}

Record = dict[str, Any]

each_topic = pytest.mark.parametrize("topic", EVENTS, ids=lambda topic: topic.name)
each_type = pytest.mark.parametrize(
    ("topic", "type_"),
    [(topic, type_) for topic in EVENTS for type_ in topic.types],
    ids=lambda one: one.name if isinstance(one, Topic) else one.__name__,
)


def schema(topic: Topic) -> Any:
    return json.loads((SCHEMAS / f"{topic.name}.avsc").read_text("utf-8"))


@cache
def parsed_schema(topic: Topic) -> Any:
    return fastavro.parse_schema(schema(topic))


def records(topic: Topic) -> list[Record]:
    """What a topic's schema says of its values: of one type a record, of several a union of them."""
    stated = schema(topic)
    return stated if isinstance(stated, list) else [stated]


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
        return {"default": msgspec.to_builtins(field.default)}
    if field.default_factory is not msgspec.NODEFAULT:
        return {"default": field.default_factory()}
    return {"default": None} if types.NoneType in get_args(field.type) else {}


def wanted_fields(type_: type[msgspec.Struct]) -> list[tuple[str, Any, dict[str, Any]]]:
    """Name on the wire, Avro type and default of each field; where a tag tells the types apart it comes first."""
    tag = type_.__struct_config__
    tagged = [(tag.tag_field, "string", {"default": tag.tag})] if tag.tag_field else []
    fields = msgspec.structs.fields(type_)
    return [*tagged, *((field.encode_name, avro(field.type), defaulted(field)) for field in fields)]


def assert_record(stated: Any, type_: type[msgspec.Struct], defined: set[str]) -> None:
    """Field by field; and a doc on each. `defined`: the records that the file has defined before this one."""
    assert stated["type"] == "record"
    assert stated["name"] == type_.__name__
    assert stated["doc"]
    assert set(stated) <= {"type", "name", "namespace", "doc", "fields"}
    defined.add(type_.__name__)
    wanted = wanted_fields(type_)
    assert [field["name"] for field in stated["fields"]] == [name for name, _, _ in wanted]
    for field, (name, hint, default) in zip(stated["fields"], wanted, strict=True):
        assert_type(field["type"], hint, defined, f"{type_.__name__}.{name}")
        assert {key: field[key] for key in field if key == "default"} == default, f"{type_.__name__}.{name}"
        assert field["doc"], f"{type_.__name__}.{name}"


def assert_type(stated: Any, wanted: Any, defined: set[str], where: str) -> None:
    """A stated type is the wanted one, down to the records within unions, arrays and maps."""
    if isinstance(wanted, type) and wanted.__name__ in defined:
        # Avro defines a record where it first stands; after that it is named.
        assert stated == wanted.__name__, where
    elif isinstance(wanted, type):
        assert isinstance(stated, dict), where
        assert_record(stated, wanted, defined)
    elif isinstance(wanted, list):
        assert isinstance(stated, list), where
        assert len(stated) == len(wanted), where
        for one, other in zip(stated, wanted, strict=True):
            assert_type(one, other, defined, where)
    elif isinstance(wanted, dict):
        assert isinstance(stated, dict), where
        assert set(stated) == set(wanted), where
        assert stated["type"] == wanted["type"], where
        [inner] = set(wanted) - {"type"}
        assert_type(stated[inner], wanted[inner], defined, where)
    else:
        assert stated == wanted, where


def assert_topic(stated: list[Record], topic: Topic) -> None:
    assert len(stated) == len(topic.types)
    defined: set[str] = set()
    for record, type_ in zip(stated, topic.types, strict=True):
        assert_record(record, type_, defined)


def definitions(stated: Any) -> Iterator[Record]:
    """The records that are defined in a schema, the nested ones too."""
    if isinstance(stated, list):
        for one in stated:
            yield from definitions(one)
    elif isinstance(stated, dict):
        if stated.get("type") == "record":
            yield stated
        for inner in ("type", "items", "values", "fields"):
            yield from definitions(stated.get(inner))


def test_every_topic_has_a_schema_and_every_schema_a_topic() -> None:
    assert {path.stem for path in SCHEMAS.glob("*.avsc")} == {topic.name for topic in EVENTS}
    assert [path.name for path in SCHEMAS.iterdir() if path.suffix != ".avsc"] == []


@each_topic
def test_schema_and_types_agree_field_by_field(topic: Topic) -> None:
    assert isinstance(schema(topic), list) == (len(topic.types) > 1)
    assert_topic(records(topic), topic)


def test_names_are_unique_in_their_namespace() -> None:
    """A file stands alone, so a record may be defined in several; then it is word for word the same record."""
    known: dict[str, Record] = {}
    for topic in EVENTS:
        assert {record["namespace"] for record in records(topic)} == {NAMESPACE}
        # Raises for a name that the same file took before.
        fastavro.parse_schema(schema(topic))
        for record in definitions(schema(topic)):
            assert record.get("namespace", NAMESPACE) == NAMESPACE
            alike = {key: record[key] for key in record if key != "namespace"}
            assert known.setdefault(record["name"], alike) == alike, record["name"]
    top = [record["name"] for topic in EVENTS for record in records(topic)]
    assert len(top) == len(set(top))
    assert "Suppression" in known


@each_type
@given(data=st.data())
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
def test_what_the_codec_writes_is_what_the_schema_allows(
    topic: Topic, type_: type[msgspec.Struct], data: st.DataObject
) -> None:
    event = data.draw(events(type_))
    parsed, several, name = parsed_schema(topic), len(topic.types) > 1, f"{NAMESPACE}.{type_.__name__}"

    as_json = codec.encode(event)
    plain = json.loads(as_json)
    assert fastavro.validate((name, plain) if several else plain, parsed, raise_errors=True)
    assert codec.decode(as_json, type_) == event
    if not topic.public:
        # Of several types it is the right one.
        assert codec.decode(as_json, topic.event) == event

    written = io.BytesIO()
    builtins = msgspec.to_builtins(event)
    fastavro.schemaless_writer(written, parsed, (name, builtins) if several else builtins)
    written.seek(0)
    # Of a union of several records, which it was.
    read = fastavro.schemaless_reader(written, parsed, None, return_record_name=True, return_record_name_override=True)
    told, found = read if several else (name, read)
    assert (told, msgspec.convert(found, type_)) == (name, event)


def test_every_type_says_what_it_is_by_a_word_of_its_own() -> None:
    words = [
        field["default"]
        for topic in EVENTS
        for record in records(topic)
        for field in record["fields"]
        if field["name"] == "event_type"
    ]
    assert len(words) == len(set(words)) == sum(len(topic.types) for topic in EVENTS)


def _record(stated: list[Record], name: str) -> Record:
    [found] = [record for record in definitions(stated) if record["name"] == name]
    return found


@pytest.mark.parametrize(
    ("name", "field", "change"),
    [
        pytest.param("CommandResult", "attempt", {"type": "int"}, id="another type"),
        pytest.param("CommandResult", "attempt", {"default": 1}, id="another default"),
        pytest.param("CommandResult", "at", {"default": ""}, id="a default too many"),
        pytest.param("CommandResult", "step", {"doc": ""}, id="no doc"),
        pytest.param("CommandResult", "contact", {"type": ["string", "null"]}, id="another order in a union"),
        pytest.param("Receipt", "offsets", {"type": {"type": "map", "values": "string"}}, id="another map"),
        pytest.param("View", "suppressed", {"type": {"type": "map", "values": "string"}}, id="a record left out"),
        pytest.param("View", "rules", {"default": {"version": ""}}, id="another default of a record"),
        pytest.param("View", "consent_at", {"name": "consented_at"}, id="another name, nested in a union"),
        pytest.param("Suppression", "since", {"type": "long"}, id="another type, nested in a map"),
    ],
)
def test_the_comparison_sees_a_difference(name: str, field: str, change: Record) -> None:
    stated = records(RESULTS)
    assert_topic(stated, RESULTS)
    [found] = [one for one in _record(stated, name)["fields"] if one["name"] == field]
    found.update(change)
    with pytest.raises(AssertionError):
        assert_topic(stated, RESULTS)


@pytest.mark.parametrize("name", ["CommandResult", "Question", "Suppression"])
def test_the_comparison_sees_a_field_too_many_and_one_too_few(name: str) -> None:
    for more in ([], [{"name": "added", "type": "long", "doc": "Later."}] * 2):
        stated = records(RESULTS)
        record = _record(stated, name)
        record["fields"] = record["fields"][:-1] + more
        with pytest.raises(AssertionError):
            assert_topic(stated, RESULTS)


def test_the_comparison_sees_a_type_of_a_topic_that_is_left_out_or_elsewhere() -> None:
    stated = records(ACCEPTED)
    for other in (stated[:-1], stated[::-1], [*stated, stated[0]]):
        with pytest.raises(AssertionError):
            assert_topic(other, ACCEPTED)
