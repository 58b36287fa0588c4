"""An account's messages as Twilio lists them. Reads only, so what fails is simply asked again."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

import requests
from twilio.base.exceptions import TwilioException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from services.domain.clock import to_iso
from services.domain.messages.at_twilio import MessageAtTwilio
from services.operations.backfill.errors import BackfillError
from services.operations.backfill.window import Window
from services.runtime.regions import NOT_FROM_THE_ENVIRONMENT, regional
from services.runtime.tenants.settings import TenantSettings

T = TypeVar("T")

_PAGE_SIZE = 1000
_TIMEOUT_S = 30.0
# Waits between tries: 429 and what is unavailable pass within seconds, or somebody has to look.
_WAITS_S = (0.5, 1.0, 2.0, 4.0)
_TOO_MANY_REQUESTS = 429
_NOT_FOUND = 404
_UNAUTHORISED = 401
_SERVER_ERROR = 500


class _Passing(BackfillError):
    """What may be over by the next try."""


class _Page(NamedTuple):
    messages: list[MessageAtTwilio]
    next_url: str | None


async def at_once() -> None:
    """For whoever has no budget of calls."""


class Account:
    """One tenant's account at Twilio, or at anything that speaks its API under `base_url` (in us1).

    `turn` returns when one more call may be made. Its subaccounts are not asked. Every
    method raises BackfillError when there is no answer to be had.
    """

    def __init__(
        self, name: str, tenant: TenantSettings, base_url: str, turn: Callable[[], Awaitable[None]] = at_once
    ) -> None:
        self._name = name
        self._turn = turn
        self._base_url = regional(base_url, tenant.region)
        if tenant.api_key_sid and tenant.api_key_secret:
            user, password = tenant.api_key_sid, tenant.api_key_secret.get_secret_value()
        else:
            user, password = tenant.account_sid, tenant.auth_tokens[0].get_secret_value()
        http = TwilioHttpClient(timeout=_TIMEOUT_S)
        client = Client(user, password, tenant.account_sid, http_client=http, environment=NOT_FROM_THE_ENVIRONMENT)
        client.api.base_url = self._base_url
        self._messages = client.messages

    async def messages(
        self, window: Window, told: Callable[[int], None], wanted: Callable[[MessageAtTwilio], bool] = lambda _: True
    ) -> list[MessageAtTwilio]:
        """Those dated in the window, of both directions, that are wanted. `told` hears how many were listed so far.

        Twilio's filter leaves out what has no date of sending: failed or canceled before it was sent, or waiting.
        """
        after, before = window.days()
        kept: list[MessageAtTwilio] = []
        seen = 0
        page = await self._ask(
            lambda: _page(
                self._messages.page(date_sent_after=after, date_sent_before=before, page_size=_PAGE_SIZE),
            )
        )
        while True:
            seen += len(page.messages)
            told(seen)
            kept += [message for message in page.messages if message.at in window and wanted(message)]
            if page.next_url is None:
                return kept
            page = await self._ask(_following(self._messages, page.next_url))

    async def message(self, sid: str) -> MessageAtTwilio | None:
        """One message, whatever its date, or None if Twilio has it no more."""
        return await self._ask(lambda: _fetched(self._messages, sid))

    async def _ask(self, call: Callable[[], T]) -> T:
        """One request at a time, each in a thread, so that Ctrl-C waits for no more than that."""
        for wait_s in _WAITS_S:
            await self._turn()
            with suppress(_Passing):
                return await asyncio.to_thread(self._try, call)
            await asyncio.sleep(wait_s)
        await self._turn()
        return await asyncio.to_thread(self._try, call)

    def _try(self, call: Callable[[], T]) -> T:
        try:
            return call()
        except TwilioException as error:
            raise self._refusal(_http_status(error), error) from error
        except (requests.ConnectionError, requests.Timeout) as error:
            raise _Passing(
                f"no Twilio answers at {self._base_url} ({type(error).__name__}); check twilio.api in the settings "
                "and the way to it, and run it again"
            ) from error
        except (ValueError, requests.RequestException) as error:
            raise self._stranger() from error

    def _refusal(self, status: int | None, error: TwilioException) -> BackfillError:
        if status is None:
            return self._stranger()
        if status == _UNAUTHORISED:
            return BackfillError(
                f"Twilio does not let tenant {self._name} in (401); check its account_sid and auth_tokens, or its "
                "api_key_sid and api_key_secret"
            )
        code = getattr(error, "code", None)
        about = f", code {code}" if code and code != status else ""
        if status == _TOO_MANY_REQUESTS or status >= _SERVER_ERROR:
            return _Passing(f"Twilio answers {status}{about} time and again; run it again in some minutes")
        return BackfillError(
            f"Twilio refuses to list the messages of tenant {self._name} ({status}{about}); check that its account is "
            "active and that its API key may read messages"
        )

    def _stranger(self) -> BackfillError:
        return BackfillError(f"what answers at {self._base_url} does not speak Twilio's API; check twilio.api")


def _fetched(messages: Any, sid: str) -> MessageAtTwilio | None:
    try:
        return _listed(messages(sid).fetch())
    except TwilioException as error:
        if _http_status(error) == _NOT_FOUND:
            return None
        raise


def _following(messages: Any, url: str) -> Callable[[], _Page]:
    return lambda: _page(messages.get_page(url))


def _page(page: Any) -> _Page:
    found = [listed for message in page if (listed := _listed(message))]
    return _Page(found, page.next_page_url)


def _listed(message: Any) -> MessageAtTwilio | None:
    """None for what has no id or no date, which is no message of Twilio's."""
    at: datetime | None = message.date_sent or message.date_created
    if not message.sid or at is None:
        return None
    inbound = message.direction == "inbound"
    return MessageAtTwilio(
        sid=message.sid,
        account_sid=message.account_sid or "",
        inbound=inbound,
        at=to_iso(at),
        status=str(message.status or "").lower(),
        from_=message.from_ or "",
        to=message.to or "",
        body=(message.body or "") if inbound else "",
        num_media=_number(message.num_media) or 0,
        num_segments=str(message.num_segments or ""),
        messaging_service_sid=message.messaging_service_sid or "",
        error_code=_number(message.error_code),
        error_message=message.error_message or "",
    )


def _number(given: Any) -> int | None:
    text = str(given)
    return int(text) if text.isascii() and text.isdigit() else None


def _http_status(error: TwilioException) -> int | None:
    """The status of the answer: the package puts it in one of three places."""
    status = getattr(error, "status", None)
    if status is None and len(error.args) > 1:
        status = getattr(error.args[1], "status_code", None)
    return status if isinstance(status, int) else None
