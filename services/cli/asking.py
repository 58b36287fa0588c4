"""Asking a processor, and showing what others wrote: what the commands for people share."""

import re
from typing import Any
from urllib.parse import quote

import requests
import typer
from rich.text import Text

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_TIMEOUT_S = 10


def ask(base: str, *path: str, **query: str | None) -> dict[str, Any] | None:
    """What a processor tells under `/v1/…`, or None where it knows nothing. `base` is its URL.

    Raises typer.BadParameter, a sentence, when nobody answers.
    """
    url = "/".join([base.rstrip("/"), "v1", *(quote(part, safe="") for part in path)])
    given = {name: value for name, value in query.items() if value is not None}
    try:
        answer = requests.get(url, params=given, timeout=_TIMEOUT_S)
    except requests.RequestException as error:
        raise typer.BadParameter(f"no processor answers at {base} ({error}); give one with --url") from error
    if answer.status_code == requests.codes.not_found:
        return None
    try:
        found: dict[str, Any] = answer.json()
    except ValueError:
        raise typer.BadParameter(
            f"what answers at {base} is no processor (HTTP {answer.status_code}); give one with --url"
        ) from None
    if answer.status_code != requests.codes.ok:
        raise typer.BadParameter(f"the processor cannot answer now: {found.get('error')}; ask again in a moment")
    return found


def plain(text: str) -> Text:
    """Text of others as it is: neither rich's markup nor a command to the terminal."""
    return Text(_CONTROL.sub(" ", text))
