"""The table of docs/sending.md, from the schema of the command; the text around it is written by hand."""

import json
import re
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parents[3]
_PAGE = _ROOT / "docs" / "sending.md"
_SCHEMA = _ROOT / "schemas" / "twilio.outbound.messages.v1.avsc"
_HEAD = "| field | type | limit | example |\n| --- | --- | --- | --- |\n"
_TABLE = re.compile(re.escape(_HEAD) + r"(?:\|.*\n)*")
_WORDS = {
    "string": "text",
    "boolean": "true or false",
    "long": "whole number",
    "double": "number",
    "array": "list of texts",
    "map": "object of texts",
    "record": "object",
}


def page() -> str:
    """The page as it stands, with the table as the schema has it."""
    [send] = [one for one in json.loads(_SCHEMA.read_text("utf-8")) if one["name"] == "SendMessage"]
    table = _HEAD + "".join(map(_row, send["fields"]))
    return _TABLE.sub(lambda _: table, _PAGE.read_text("utf-8"))


def _row(field: dict[str, Any]) -> str:
    limit = field["limit"] if "default" in field else f"required; {field['limit']}"
    example = json.dumps(field["example"], ensure_ascii=False)
    return f"| `{field['name']}` | {_type(field['type'])} | {limit} | `{example}` |\n"


def _type(stated: Any) -> str:
    """In words; a union's is that of what is not null, which is left out instead."""
    if isinstance(stated, list):
        [stated] = [one for one in stated if one != "null"]
    return _WORDS[stated["type"] if isinstance(stated, dict) else stated]
