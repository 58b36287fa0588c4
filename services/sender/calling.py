"""The calls of an attempt to Twilio's hosts: each is made once, and whether nothing was done is part of its outcome.

A call itself goes past the twilio package (`runtime/line`), which builds a whole resource of which five fields are
wanted, and a POST past aiohttp's request too (`runtime/posting`). A test holds the three requests equal.

Time-outs are of two kinds: before there is a connection nothing was posted, and after that nobody knows.
"""

import logging
import re
from collections.abc import Callable, Mapping
from typing import Protocol

import aiohttp
from msgspec.structs import replace
from yarl import URL

from services.domain.errors import explain
from services.domain.outbox.facts import Unknown
from services.runtime.failpoints import reach
from services.runtime.line import Line, retry_after_s, way
from services.runtime.posting import Answer
from services.runtime.tenants.settings import TenantSettings
from services.runtime.unknown_codes import notice
from services.sender.answers import refusal_of
from services.sender.outbound import METHODS, Method, Request
from services.sender.outcomes import Outcome, Refusal, Taken

logger = logging.getLogger(__name__)

# Of one attempt.
_MOST_CALLS = 4
_A_REQUEST = re.compile(r"RQ[0-9A-Za-z]{1,62}")
_REQUEST_TIMEOUT = 408
_TOO_MANY_REQUESTS = 429
_SERVER_ERROR = 500


class Caller(Protocol):
    """Makes the calls of one tenant."""

    async def make(self, host: str, request: Request, may_go: Callable[[], bool]) -> Outcome:
        """Post the request, and those that follow from its answer. `may_go`: whether one more may begin now."""
        ...


class TwilioCaller:
    """One tenant's account. `urls`: each host's base URL in us1."""

    def __init__(self, tenant: TenantSettings, line: Line, urls: Mapping[str, str]) -> None:
        self._tenant = tenant
        self._line = line
        self._urls = urls
        self._hosts: dict[str, _Host] = {}

    async def make(self, host: str, request: Request, may_go: Callable[[], bool]) -> Outcome:
        for _ in range(_MOST_CALLS):
            to = self._to(request.host or host)
            end = request.answer(await to.call(request.method, request.path, request.form, request.json))
            if not isinstance(end, Request):
                return end
            reach("call.followed")
            if not may_go():
                return _given_back("its deadline passed, or the gate closed, between two calls")
            request = end
        return _given_back(f"{_MOST_CALLS} calls did not bring it to an end")

    def _to(self, host: str) -> "_Host":
        found = self._hosts.get(host)
        if found is None:
            found = self._hosts[host] = _Host(self._tenant, self._line, self._urls[host])
        return found


class _Host:
    """One tenant's way to one host, with the credentials that it has now. It owns nothing: it may be replaced at any
    time. `base_url`: the host's in us1."""

    def __init__(self, tenant: TenantSettings, line: Line, base_url: str) -> None:
        self._line = line
        self._ways = {
            method: way(method, tenant.credentials, tenant.account_sid, base_url, tenant.region) for method in METHODS
        }
        self._posting = line.posting(self._ways["POST"])

    async def call(self, method: Method, path: str, form: bytes, json: bool = False) -> Taken | Refusal | Unknown:
        """One call; `path` begins with a slash, `form` is what is posted, as JSON where `json` says so. Redirects are
        not followed."""
        try:
            if method == "POST" and self._posting is not None and not json:
                answer = await self._posting.post(path, form)
            else:
                answer = await self._the_usual_way(method, path, form, json)
            if 200 <= answer.status < 300:
                return Taken(answer.body)
            return _refused(answer)
        except (aiohttp.ClientConnectorError, aiohttp.ClientHttpProxyError, aiohttp.ConnectionTimeoutError) as error:
            # No connection, so no request: nothing can have been done.
            return Refusal(
                code=None, reason=f"Twilio cannot be reached ({type(error).__name__})", retryable=True, reached=False
            )
        except TimeoutError:
            return Unknown(reason="Twilio did not answer in time")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Unknown(reason=f"Twilio's answer was lost: {type(error).__name__}")
        except Exception as error:
            # Something that a package made of an answer. The call was made, so its end must be told all the same.
            logger.exception("the answer to a call cannot be read")
            return Unknown(reason=f"Twilio's answer cannot be read: {type(error).__name__}")

    async def _the_usual_way(self, method: Method, path: str, form: bytes, json: bool) -> Answer:
        by = self._ways[method]
        headers = {**by.headers, "Content-Type": "application/json"} if json else by.headers
        url, data = URL(f"{by.base_url}{path}"), form if method == "POST" else None
        async with self._line.session.request(
            method, url, data=data, headers=headers, proxy=by.proxy, allow_redirects=False
        ) as answer:
            return Answer(answer.status, answer.headers, await answer.read())


def _refused(answer: Answer) -> Refusal | Unknown:
    status, body, request_id = answer.status, answer.body, _request_id(answer)
    code, reason = refusal_of(status, body)
    if status >= _SERVER_ERROR or status == _REQUEST_TIMEOUT:
        return Unknown(reason=f"Twilio may have done it all the same: it answered {reason}", request_id=request_id)
    notice(code)
    if status == _TOO_MANY_REQUESTS:
        wait = retry_after_s(answer.headers.get("Retry-After"))
        limited = Refusal(code=code or 20429, reason=reason, retryable=True, retry_after=wait, too_many=True, body=body)
        return replace(limited, request_id=request_id)
    return Refusal(code=code, reason=reason, retryable=explain(code).retryable, body=body, request_id=request_id)


def _request_id(answer: Answer) -> str | None:
    """What Twilio calls a call (`RQ…`); nothing of what else may stand there."""
    said = answer.headers.get("Twilio-Request-Id", "")
    return said if _A_REQUEST.fullmatch(said) else None


def _given_back(reason: str) -> Refusal:
    """What was called so far created nothing, and is not called again at once: its host may be slow."""
    return Refusal(code=None, reason=reason, retryable=True)
