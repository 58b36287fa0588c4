"""One question to Twilio's Lookup: what stands behind a number, or why there was no answer."""

import json
import logging
from collections.abc import Mapping
from typing import Any, NamedTuple

import aiohttp
from yarl import URL

from services.domain.messages import lines
from services.domain.reachability import PhoneLine
from services.runtime.clock import now
from services.runtime.line import Line, retry_after_s, way
from services.runtime.tenants.settings import TenantSettings

logger = logging.getLogger(__name__)

_REFUSALS = frozenset({401, 403})
_TOO_MANY, _REDIRECT, _SERVER_ERROR = 429, 300, 500


class Answer(NamedTuple):
    """`line`: what Lookup says; None: it gave no answer. `refused`: by which HTTP status the account may not ask.

    `too_many`: it was asked too often, and is to be left alone for `again_s` seconds, where it says so.
    """

    line: PhoneLine | None = None
    refused: int | None = None
    too_many: bool = False
    again_s: float | None = None


async def look_up(line: Line, url: str, name: str, tenant: TenantSettings, number: str) -> Answer:
    """`url`: of Lookup in us1; `name`: the tenant's. What is asked has the number in it, so it is told nobody."""
    leads = way("GET", tenant.credentials, tenant.account_sid, url, tenant.region)
    asked = URL(f"{leads.base_url}/v2/PhoneNumbers") / number % {"Fields": "line_type_intelligence"}
    try:
        async with line.session.get(asked, headers=leads.headers, proxy=leads.proxy, allow_redirects=False) as answer:
            body, status = await answer.read(), answer.status
            again_s = retry_after_s(answer.headers.get("Retry-After"))
    except (aiohttp.ClientError, OSError) as error:
        logger.warning("%s: Lookup cannot be reached (%s)", name, type(error).__name__)
        return Answer()
    read = _read(status, body, again_s)
    if read.line is None:
        logger.warning("%s: Lookup gives no answer (%d)", name, status)
    return read


def _read(status: int, body: bytes, again_s: float | None) -> Answer:
    told = _decoded(body)
    if status in _REFUSALS:
        return Answer(refused=status)
    if status == _TOO_MANY:
        return Answer(too_many=True, again_s=again_s)
    if status >= _SERVER_ERROR or told is None:
        return Answer()
    if status >= _REDIRECT:
        # Of this number alone.
        return Answer(PhoneLine(at=now(), error=lines.code_of(told.get("code")) or status))
    return Answer(lines.read(told, now()))


def _decoded(body: bytes) -> Mapping[str, Any] | None:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
