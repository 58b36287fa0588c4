"""One account's resources at one host of Twilio's, read within its budget."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import aiohttp
from prometheus_client import Counter
from yarl import URL

from services.poller.budget import Budget
from services.poller.metrics import POLLER
from services.runtime.line import Line, Way, retry_after_s

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


class Unreadable(Exception):
    """Twilio gives no answer that could be used. The text names nobody. `refused`: a person has to mend it."""

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
    """May be over by the next try, not before `after_s` where that is known. The text says what it was."""

    def __init__(self, text: str, after_s: float | None = None) -> None:
        super().__init__(text)
        self.after_s = after_s


class Reader:
    """Reads alone, so what fails is asked again. Each try is a call of the account's budget."""

    def __init__(self, line: Line, budget: Budget, whose: Whose) -> None:
        self._line = line
        self._budget = budget
        self.whose = whose

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> dict[str, Any] | None:
        """A resource's JSON; None where Twilio has none there. `path` begins with a slash. Raises Unreadable."""
        return await self._read(URL(f"{self.whose.way.base_url}{path}").update_query(query or {}))

    async def follow(self, link: str) -> dict[str, Any] | None:
        """The page that another page named, by a path or by a URL. Raises Unreadable.

        Whatever host a link names, our credentials go to the one that we ask.
        """
        base = self.whose.way.base_url
        named = link.removeprefix(base)
        if not named.startswith("/"):
            named = URL(named, encoded=True).raw_path_qs
        return await self._read(URL(f"{base}{named}", encoded=True))

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
            raise _Passing(f"Twilio answers {status}", asked_s)
        if status == _NOT_FOUND:
            self._count("missing")
            return None
        if not _OK <= status < _REDIRECT:
            self._count("refused")
            self._budget.pause(self.whose.account_sid, self.whose.host, _REFUSED_S)
            raise Unreadable(f"Twilio refuses to be read ({status})", refused=True)
        return self._decoded(body)

    def _decoded(self, body: bytes) -> dict[str, Any]:
        try:
            found = json.loads(body)
        except (ValueError, RecursionError) as error:
            self._count("failed")
            raise _Passing("what answers does not speak Twilio's API") from error
        if not isinstance(found, dict):
            self._count("failed")
            raise _Passing("what answers does not speak Twilio's API")
        self._count("answered")
        return found

    def _count(self, outcome: str) -> None:
        CALLS.labels(self.whose.tenant, self.whose.host, outcome).inc()
