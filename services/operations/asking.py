"""Asking a processor what it knows, as anybody does: over HTTP."""

import os
from typing import Any
from urllib.parse import quote

import requests

from services.runtime.section import ConfigError

_TIMEOUT_S = 10


class NoAnswer(ConfigError):
    """Why a processor tells nothing; a sentence for people, with what to do next."""


class NotFolded(NoAnswer):
    """This processor does not run the group that knows; another one may."""


def ask(base: str, *path: str, tenant: str | None = None) -> dict[str, Any] | None:
    """What a processor tells under `/v1/…`, or None where it knows nothing. `base` is its URL.

    Raises NoAnswer; NotFolded where it does not fold what would know.
    """
    url = "/".join([base.rstrip("/"), "v1", *(quote(part, safe="") for part in path)])
    try:
        answer = requests.get(
            url, params={"tenant": tenant} if tenant else {}, headers=token_header(), timeout=_TIMEOUT_S
        )
    except requests.RequestException as error:
        raise NoAnswer(f"no processor answers at {base}; start one, or give its URL with --url") from error
    try:
        found: dict[str, Any] = answer.json()
    except ValueError:
        raise NoAnswer(_stranger(base, answer.status_code)) from None
    if answer.status_code == requests.codes.not_found:
        # Only a processor says so in JSON of its own.
        if found.keys() != {"error"}:
            raise NoAnswer(_stranger(base, answer.status_code))
        return None
    if answer.status_code == requests.codes.unauthorized:
        raise NoAnswer(
            f"the processor at {base} knows no such token; put one that it knows into SWITCHBOARD_TOKEN "
            "(switchboard token new makes one, and the lines for the settings)"
        )
    if answer.status_code == requests.codes.misdirected_request:
        raise NotFolded(f"the processor at {base} cannot answer: {found.get('error')}, by --url")
    if answer.status_code != requests.codes.ok:
        raise NoAnswer(f"the processor cannot answer now: {found.get('error')}; ask again in a moment")
    return found


def _stranger(base: str, status: int) -> str:
    return (
        f"what answers at {base} is no processor (HTTP {status}): ingress, sender and simulator know nothing of it; "
        "give a processor's URL with --url, its `port` and not its operations_port"
    )


def token_header() -> dict[str, str]:
    """What shows who asks: the token of SWITCHBOARD_TOKEN, if there is one."""
    token = os.environ.get("SWITCHBOARD_TOKEN")
    return {"Authorization": f"Bearer {token}"} if token else {}
