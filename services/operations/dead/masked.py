"""The shape of bytes, for people: what stands where, and nothing of what it says. Pure."""

import re

from services.contract.topic import Topic, shared_name
from services.contract.topics import EVENTS

_LONGEST = 2000
_WORD = re.compile(r"[^\W_]|[^\x00-\x7f]")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def shape(value: bytes, topic: Topic) -> str:
    """`{"to": "+14155550123"` → `{"to": "+00000000000"`: letters are x and digits 0, field names stay."""
    text = value[: _LONGEST * 4].decode("utf-8", "replace")[:_LONGEST]
    shaped, at = [], 0
    for name in _names(topic).finditer(text):
        shaped += [_shaped(text[at : name.start()]), name[0]]
        at = name.end()
    return "".join([*shaped, _shaped(text[at:])]) + ("…" if len(value) > len(text.encode("utf-8", "replace")) else "")


def source_of(name: str) -> Topic:
    """The topic that a record belongs on that stands on this topic or among its dead letters. Raises KeyError."""
    return _BY_NAME[shared_name(name)]


_BY_NAME = {topic.name: topic for topic in EVENTS} | {topic.dead: topic for topic in EVENTS}


def _names(topic: Topic) -> re.Pattern[str]:
    fields = {name for type_ in topic.types for name in type_.__struct_encode_fields__}
    return re.compile(rf'"(?:{"|".join(sorted(map(re.escape, fields)))})"(?=\s*:)')


def _shaped(text: str) -> str:
    return _CONTROL.sub("·", _WORD.sub(lambda one: "0" if one[0].isdigit() else "x", text))
