"""What is wrong with the form of one field, in words. Values are never quoted: they may be a person's."""

from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

import msgspec

from services.contract.reading import KINDS, kind_of, printable

_MOST_NAMED = 10
_WANTED = KINDS | {float: "a number"}


def faults_of_field(name: str, value: Any, hint: Any) -> list[str]:
    """All that is wrong with a value where `hint` is wanted; nothing where msgspec would take it."""
    try:
        msgspec.convert(value, hint)
    # msgspec trips over a lone surrogate where no text is wanted.
    except (msgspec.ValidationError, UnicodeEncodeError):
        found = list(_faults(name, value, hint))
        more = len(found) - _MOST_NAMED
        return [*found[:_MOST_NAMED], f"{name}: {more} more are wrong"] if more > 0 else found
    return []


def _faults(path: str, value: Any, hint: Any) -> Iterator[str]:
    allowed = [word for part in (hint, *get_args(hint)) if get_origin(part) is Literal for word in get_args(part)]
    if allowed:
        yield f"{path}: one of {', '.join(allowed)}"
        return
    wanted = next((part for part in get_args(hint) if part is not type(None)), hint) if _optional(hint) else hint
    kind = get_origin(wanted) or wanted
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        yield from _faults_of_object(path, value, kind)
        return
    if not _is(value, kind):
        yield f"{path}: must be {_WANTED[kind]}; this is {kind_of(value)}{_hint(kind, value)}"
    elif isinstance(value, list):
        for place, one in enumerate(value):
            yield from _inside(f"{path}[{place}]", one, get_args(wanted)[0])
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from _inside(f"{path}.{printable(key) or repr(key)}", one, get_args(wanted)[1])
    else:
        yield f"{path}: must be {_WANTED[kind]} within bounds"


def _faults_of_object(path: str, value: Any, kind: type[msgspec.Struct]) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path}: must be {KINDS[dict]}; this is {kind_of(value)}{_hint(dict, value)}"
        return
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    for name in sorted(value.keys() - fields.keys()):
        yield f"{path}.{printable(name) or repr(name)}: no such field; it has {', '.join(fields)}"
    for name, field in fields.items():
        if name in value:
            yield from faults_of_field(f"{path}.{name}", value[name], field.type)
        elif field.required:
            yield f"{path}.{name}: missing"


def _inside(path: str, value: Any, hint: Any) -> Iterator[str]:
    if not _is(value, hint):
        yield from _faults(path, value, hint)


def _is(value: Any, kind: Any) -> bool:
    # Python takes True for 1.
    return isinstance(value, kind) and isinstance(value, bool) == (kind is bool)


def _optional(hint: Any) -> bool:
    return type(None) in get_args(hint)


def _hint(wanted: Any, value: Any) -> str:
    if wanted is str and isinstance(value, bool | int | float):
        return "; write it in quotes"
    if wanted in (bool, int, float) and isinstance(value, str):
        return "; write it without quotes"
    if wanted is list and isinstance(value, str):
        return "; write [ ] around it, and each of several as its own element"
    if wanted is dict and isinstance(value, str):
        return "; write the object itself, not JSON within a text"
    if value is None:
        return "; leave it out instead"
    return ""
