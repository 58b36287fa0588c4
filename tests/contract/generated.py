"""Instances of the event types, made from their annotations alone."""

import functools
import types
from decimal import Decimal
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
from hypothesis import strategies as st

# What a schema's long holds.
LONG = st.integers(min_value=-(2**63), max_value=2**63 - 1)


# A strategy that is made anew for each example costs more than the example.
@functools.cache
def events(type_: type[msgspec.Struct]) -> st.SearchStrategy[Any]:
    """Instances with every field drawn, those with defaults too."""
    hints = get_type_hints(type_)
    return st.builds(type_, **{name: values(hint) for name, hint in hints.items()})


@functools.cache
def values(hint: Any) -> st.SearchStrategy[Any]:
    """Values of an annotation. A kind of annotation that no event has used so far is an error."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return st.one_of([values(one) for one in arguments])
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin is list:
        return st.lists(values(arguments[0]), max_size=3)
    if origin is dict:
        return st.dictionaries(values(arguments[0]), values(arguments[1]), max_size=3)
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return events(hint)
    return {
        str: st.text(max_size=20),
        int: LONG,
        bool: st.booleans(),
        float: st.floats(allow_nan=False, allow_infinity=False),
        Decimal: st.decimals(allow_nan=False, allow_infinity=False, places=5),
        types.NoneType: st.none(),
    }[hint]
