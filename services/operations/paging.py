"""Twilio's lists, page by page, whoever asks: a person's command, or the poller within its budget. Whole or not at all.

What is no page of a list is never taken for an empty one.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any, Literal, NamedTuple, Protocol
from urllib.parse import urlsplit

from twilio.base.version import Version

from services.operations.calling import PAGE_SIZE, Account, TwilioError, accounts, asking
from services.runtime.sections.twilio import TwilioSettings
from services.runtime.tenants.settings import TenantSettings

Host = Literal["api", "messaging", "content", "pricing"]
_OK, _REDIRECT = 200, 300


class Place(NamedTuple):
    """An account, and the host that is asked; `tenant`: whose it is."""

    tenant: str
    account: str
    host: Host


class Answers(Protocol):
    """Asks a tenant's accounts. Raises an error of its own where there is no answer to be had."""

    async def get(self, place: Place, path: str, query: Mapping[str, str]) -> Mapping[str, Any] | None:
        """A resource's JSON; None where Twilio has none there."""

    async def follow(self, place: Place, link: str) -> Mapping[str, Any] | None:
        """The page that another one named. Whatever host that names, the place's own is asked."""


async def whole(
    answers: Answers, place: Place, path: str, key: str, more: Mapping[str, str] | None = None
) -> AsyncIterator[Mapping[str, Any]]:
    """All that a list holds, in its order. `key`: under which a page has it, where the page itself does not say.

    Raises TwilioError for what is no list, beside what `answers` raises.
    """
    page = await answers.get(place, path, {**(more or {}), "PageSize": str(PAGE_SIZE)})
    seen: set[str] = set()
    while True:
        meta = page.get("meta") if page is not None else None
        meta = meta if isinstance(meta, Mapping) else {}
        found = page.get(str(meta.get("key") or key)) if page is not None else None
        if page is None or not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
            raise _no_list(place, path)
        for one in found:
            yield one
        link = meta.get("next_page_url") or page.get("next_page_uri")
        if not link:
            return
        if not isinstance(link, str) or link in seen:
            raise _no_list(place, path)
        seen.add(link)
        page = await answers.follow(place, link)


def _no_list(place: Place, path: str) -> TwilioError:
    return TwilioError(
        f"what answers for account {place.account} of tenant {place.tenant} at {path} is no list of Twilio's; run it "
        "again"
    )


class Calling:
    """Asks for a person, by Twilio's package. `what` completes "Twilio does not let tenant acme …".

    Raises TwilioError.
    """

    def __init__(self, name: str, tenant: TenantSettings, twilio: TwilioSettings, what: str) -> None:
        self._accounts = accounts(name, tenant, twilio)
        self._known: dict[str, Account] = {}
        self._what = what

    async def get(self, place: Place, path: str, query: Mapping[str, str]) -> Mapping[str, Any] | None:
        return await asyncio.to_thread(self._ask, place, path, query)

    async def follow(self, place: Place, link: str) -> Mapping[str, Any] | None:
        named = link.removeprefix(self._account(place).twilio.urls[place.host])
        if not named.startswith("/"):
            parts = urlsplit(named)
            named = f"{parts.path}?{parts.query}"
        return await asyncio.to_thread(self._ask, place, named, {})

    def _ask(self, place: Place, path: str, query: Mapping[str, str]) -> Mapping[str, Any]:
        account = self._account(place)
        url = f"{account.twilio.urls[place.host]}{path}"
        with asking(account, self._what):
            answer = account.client.request("GET", url, params=dict(query))
            if not _OK <= answer.status_code < _REDIRECT:
                raise Version.exception("GET", url, answer, "Unable to read a list")
            found = json.loads(answer.text)
            if not isinstance(found, dict):
                raise ValueError("no JSON object")
        return found

    def _account(self, place: Place) -> Account:
        while place.account not in self._known:
            # One after the other: a subaccount without a token is told where it is asked for.
            one = next(self._accounts)
            self._known[one.sid] = one
        return self._known[place.account]
