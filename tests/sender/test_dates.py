"""A message that Twilio does not have is none; what else answers 404 proves nothing."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from pydantic import SecretStr
from twilio.base.exceptions import TwilioRestException

from services.runtime.http import serve
from services.runtime.tenants.settings import TenantSettings
from services.sender.messages.dates import Dates

TENANT = TenantSettings(
    account_sid="AC" + "a" * 32, auth_tokens=[SecretStr("t")], contact_secret=SecretStr("s"),
    subaccounts={"AC" + "b" * 32: []},
)  # fmt: skip
SID = "SM" + "1" * 32


@pytest.fixture
async def answering() -> AsyncIterator[tuple[str, list[web.Response]]]:
    """A host that gives these answers in turn."""
    answers: list[web.Response] = []

    async def answer(_: web.Request) -> web.Response:
        return answers.pop(0)

    app = web.Application()
    app.add_routes([web.get("/{any:.*}", answer)])
    server = await serve(app, "127.0.0.1", 0)
    yield server.url, answers
    await server.close()


async def test_only_twilios_own_word_says_that_there_is_no_such_message(
    answering: tuple[str, list[web.Response]],
) -> None:
    url, answers = answering
    dates = Dates(TENANT, url, 5.0)
    answers.append(web.json_response({"code": 20404, "message": "not found", "status": 404}, status=404))
    assert await dates.message(SID) is None
    for body in ("<html>not here</html>", '{"message": "no route", "status": 404}'):
        answers.append(web.Response(text=body, status=404))
        with pytest.raises(TwilioRestException):
            await dates.message(SID)
