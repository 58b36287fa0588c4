"""One account's resources at one host of Twilio's, read within its budget."""

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import aiohttp
from prometheus_client import Counter
from yarl import URL

from services.poller.budget import Budget
from services.poller.metrics import POLLER
from services.runtime.line import Line, Way, retry_after_s
from services.runtime.tenants.settings import TenantSettings

CALLS = Counter(
    "switchboard_poller_calls_total",
    "Calls to Twilio, by what came of them: answered, missing (404), too_many (429), refused (another 4xx), failed",
    ["tenant", "host", "outcome"],
    registry=POLLER,
)

# Waits before another try, where Twilio names none: what is unavailable passes, or the next round finds it so.
_WAITS_S = (1.0, 5.0, 25.0)
# Whoever is refused is asked again, but seldom: a person has to mend it.
_REFUSED_S = 60.0
_OK, _REDIRECT, _NOT_FOUND, _TIMEOUT, _TOO_MANY, _SERVER_ERROR = 200, 300, 404, 408, 429, 500
# No credentials, or none that may read: so it is for all that the account has.
_REFUSALS = (401, 403)
# How JSON writes the first half of a pair that needs the second.
_HALF = re.compile(rb"\\u[dD][89a-fA-F]")


class Ungiven(Exception):
    """Twilio gives no answer of this one resource that could be used; another may be given. The text names nobody."""


class Unreadable(Exception):
    """The account gives no answer at all. The text names nobody. `refused`: a person has to mend it."""

    def __init__(self, text: str, refused: bool = False) -> None:
        super().__init__(text)
        self.refused = refused


class Whose(NamedTuple):
    """The account that is asked, whose it is, and at which host; `way` leads there."""

    tenant: str
    account_sid: str
    host: str
    way: Way


class _Passing(Exception):
    """Holds for the whole account, and may be over by the next try, not before `after_s` where that is known.

    The text says what it was.
    """

    def __init__(self, text: str, after_s: float | None = None) -> None:
        super().__init__(text)
        self.after_s = after_s


class Reader:
    """Reads alone, so what fails is asked again. Each try is a call of the account's budget.

    What holds for the account (no connection, 429, 401, 403) pauses it and raises Unreadable in the end; what one
    resource answers else raises Ungiven at once, and is for whoever asked to ask again later.
    """

    def __init__(self, line: Line, budget: Budget, whose: Whose) -> None:
        self._line = line
        self._budget = budget
        self.whose = whose

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> dict[str, Any] | None:
        """A resource's JSON; None where Twilio has none there. `path` begins with a slash.

        Raises Ungiven and Unreadable.
        """
        return await self._read(URL(f"{self.whose.way.base_url}{path}").update_query(query or {}))

    async def follow(self, link: str) -> dict[str, Any] | None:
        """The page that another page named, by a path or by a URL. Raises Ungiven and Unreadable.

        Whatever host a link names, our credentials go to the one that we ask.
        """
        base = self.whose.way.base_url
        named = link.removeprefix(base)
        try:
            if not named.startswith("/"):
                named = URL(named, encoded=True).raw_path_qs
            url = URL(f"{base}{named}", encoded=True)
        except ValueError as error:
            self._count("failed")
            raise Ungiven("a page names the next one by what is no URL") from error
        return await self._read(url)

    async def _read(self, url: URL) -> dict[str, Any] | None:
        account, host = self.whose.account_sid, self.whose.host
        why = ""
        for wait_s in (*_WAITS_S, None):
            await self._budget.turn(account, host)
            try:
                return await self._call(url)
            except _Passing as passing:
                why = str(passing)
                # After the last try too: whoever asks next waits as long.
                self._budget.pause(account, host, passing.after_s or wait_s or _WAITS_S[-1])
        raise Unreadable(why)

    async def _call(self, url: URL) -> dict[str, Any] | None:
        way = self.whose.way
        try:
            async with self._line.session.get(
                url, headers=way.headers, proxy=way.proxy, allow_redirects=False
            ) as answer:
                body, status = await answer.read(), answer.status
                asked_s = retry_after_s(answer.headers.get("Retry-After"))
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            self._count("failed")
            raise _Passing(f"Twilio cannot be reached ({type(error).__name__})") from error
        if status == _TOO_MANY:
            self._count("too_many")
            raise _Passing("Twilio asks to be left alone (429)", asked_s)
        if status >= _SERVER_ERROR or status == _TIMEOUT:
            self._count("failed")
            raise Ungiven(f"Twilio answers {status}")
        if status == _NOT_FOUND:
            self._count("missing")
            return None
        if status in _REFUSALS:
            self._count("refused")
            self._budget.pause(self.whose.account_sid, self.whose.host, _REFUSED_S)
            raise Unreadable(f"Twilio refuses to be read ({status})", refused=True)
        if not _OK <= status < _REDIRECT:
            self._count("refused")
            raise Ungiven(f"Twilio refuses this one ({status})")
        return self._decoded(body)

    def _decoded(self, body: bytes) -> dict[str, Any]:
        try:
            found = json.loads(body)
            if _HALF.search(body):
                # Half of a pair is no text, and would be written nowhere: of what a person said the rest is kept.
                found = json.loads(json.dumps(found, ensure_ascii=False).encode("utf-8", "replace"))
        except (ValueError, RecursionError) as error:
            self._count("failed")
            raise Ungiven("what answers does not speak Twilio's API") from error
        if not isinstance(found, dict):
            self._count("failed")
            raise Ungiven("what answers does not speak Twilio's API")
        self._count("answered")
        return found

    def _count(self, outcome: str) -> None:
        CALLS.labels(self.whose.tenant, self.whose.host, outcome).inc()


def credentials_at(host: str, tenant: TenantSettings, account: str) -> tuple[str, str]:
    """A subaccount has a token of its own; without one its parent's may open it where paths name the account.

    Elsewhere the parent's would be shown what is the parent's, and that there is nothing else. Raises Unreadable.
    """
    own = tenant.accounts.get(account)
    if own is None and host != "api":
        raise Unreadable("a subaccount that has no token in the settings cannot be read there", refused=True)
    return own or tenant.credentials


def items(page: Mapping[str, Any] | None, key: str) -> list[dict[str, Any]]:
    """What a page lists; what is no object there is nothing of Twilio's."""
    listed = (page or {}).get(key)
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []


def text(found: Mapping[str, Any] | None, *path: str) -> str | None:
    """The text that stands there, if there is one."""
    at: Any = found
    for name in path:
        at = at.get(name) if isinstance(at, Mapping) else None
    return at if isinstance(at, str) and at else None


def second(moment: str) -> str:
    """As Twilio's own client writes a time: whole seconds."""
    return f"{moment[:19]}Z"
