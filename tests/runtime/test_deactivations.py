"""Where the file of a day's list is, and how it is read: by the environment's proxy, and without our credentials."""

from datetime import date

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from services.runtime.deactivations import Lists, Unread
from services.runtime.line import Line
from services.runtime.tenants.settings import TenantSettings

DAY = date(2026, 2, 21)
TENANT = TenantSettings(account_sid="AC" + "a" * 32, auth_tokens=[SecretStr("t")], contact_secret=SecretStr("s"))


async def test_the_file_is_read_through_the_proxy_and_gets_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, bool]] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append((request.path, "Authorization" in request.headers))
        if request.path == "/v1/Deactivations":
            return web.json_response({"redirect_to": "http://files.invalid/list.txt?signed"}, status=307)
        return web.Response(text="14155550123\n\n14155550124")

    app = web.Application()
    app.router.add_route("GET", "/{any:.*}", answer)
    line = Line(5, 2)
    async with TestServer(app) as proxy:
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.setenv(name, "example.com")
        monkeypatch.setenv("http_proxy", str(proxy.make_url("/")))
        lines = await Lists(line, "http://messaging.invalid").of(TENANT, DAY)
        assert lines is not None
        assert [one async for one in lines] == [b"14155550123", b"14155550124"]
    await line.close()
    assert seen == [("/v1/Deactivations", True), ("/list.txt", False)]


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (404, "", None),
        (400, '{"code": 30114, "status": 400}', None),
        (400, '{"code": 30115, "status": 400}', "Twilio refuses it (400)"),
        (401, '{"code": 20003}', "Twilio refuses it (401)"),
        (429, "", "Twilio refuses it (429)"),
        (200, "<html>", "Twilio names no file"),
        (307, '{"redirect_to": 5}', "Twilio names no file"),
        (307, '{"redirect_to": "http://user:password@files.invalid/"}', "Twilio names no file"),
        (307, '{"redirect_to": "ftp://files.invalid/"}', "Twilio names no file"),
    ],
)
async def test_what_is_no_list_is_told_without_its_url(status: int, body: str, said: str | None) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, text=body)

    app = web.Application()
    app.router.add_get("/v1/Deactivations", answer)
    line = Line(5, 2)
    async with TestServer(app) as twilio:
        lists = Lists(line, str(twilio.make_url("")).rstrip("/"))
        if said is None:
            assert await lists.of(TENANT, DAY) is None
        else:
            with pytest.raises(Unread) as refused:
                await lists.of(TENANT, DAY)
            assert str(refused.value) == said
    await line.close()
