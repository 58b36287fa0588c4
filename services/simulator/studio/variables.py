"""The variables of a flow in a text: `{{flow.data.name}}`. Of Liquid nothing else is known here."""

import re
from collections.abc import Mapping
from typing import Any

_VARIABLE = re.compile(r"{{\s*([\w.-]+)\s*}}")


def filled(text: str, context: Mapping[str, Any]) -> str:
    """The text with its variables filled in; what is unknown is blank, as in Liquid."""
    return _VARIABLE.sub(lambda found: _looked_up(context, found[1]), text)


def _looked_up(context: Mapping[str, Any], path: str) -> str:
    at: Any = context
    for name in path.split("."):
        at = at.get(name) if isinstance(at, Mapping) else None
    return "" if at is None else str(at)
