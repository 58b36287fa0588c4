"""Where a file is fetched, and to whom credentials go."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import NamedTuple

import aiohttp
import pytest
from aiohttp import web
from pydantic import SecretStr

from services.media.fetching import Fetching, Gone, TwilioAway, Unfetchable
from services.runtime.line import Line
from services.runtime.strangers import Strangers, Where, loopback_too
from services.runtime.tenants.settings import TenantSettings

ACCOUNT, SUBACCOUNT, STRANGER = "AC" + "a" * 32, "AC" + "b" * 32, "AC" + "c" * 32
MESSAGE, MEDIUM = "MM" + "1" * 32, "ME" + "2" * 32
PHOTO = b"\xff\xd8\xff\xe0 a photo"
TENANT = TenantSettings(
    account_sid=ACCOUNT,
    auth_tokens=[SecretStr("token")],
    subaccounts={SUBACCOUNT: [SecretStr("sub-token")]},
    contact_secret=SecretStr("s"),
)


def path(account: str = ACCOUNT) -> str:
    return f"/2010-04-01/Accounts/{account}/Messages/{MESSAGE}/Media/{MEDIUM}"


class Rig(NamedTuple):
    """`seen`: host, path and credentials of each request."""

    fetching: Fetching
    url: str
    seen: list[tuple[str, str, str | None]]
    answers: dict[str, web.Response]


@pytest.fixture
async def rig(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")
    seen: list[tuple[str, str, str | None]] = []
    answers: dict[str, web.Response] = {}

    async def handle(request: web.Request) -> web.Response:
        seen.append((request.host.partition(":")[0], request.path, request.headers.get("Authorization")))
        return answers.get(request.path) or web.Response(body=PHOTO, content_type="image/jpeg")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    line, strangers = Line(5.0, 4), Strangers(5.0, loopback_too(Where()))
    yield Rig(Fetching(line, strangers, url, 1 << 20), url, seen, answers)
    await line.close()
    await strangers.close()
    await runner.cleanup()


def to(location: str) -> web.Response:
    return web.Response(status=307, headers={"Location": location})


async def test_credentials_go_to_twilio_and_across_no_redirect(rig: Rig) -> None:
    other = rig.url.replace("127.0.0.1", "localhost")
    rig.answers[path()] = to(f"{other}/signed")
    file = await rig.fetching.fetch(TENANT, rig.url + path(), 5.0)
    assert file == (PHOTO, "image/jpeg")
    own = aiohttp.encode_basic_auth(ACCOUNT, "token")
    assert rig.seen == [("127.0.0.1", path(), own), ("localhost", "/signed", None)]


async def test_a_redirect_to_twilio_itself_has_none_either(rig: Rig) -> None:
    rig.answers[path()] = to("/elsewhere")
    await rig.fetching.fetch(TENANT, rig.url + path(), 5.0)
    assert [credentials is None for _, _, credentials in rig.seen] == [False, True]


async def test_a_subaccount_has_its_own(rig: Rig) -> None:
    await rig.fetching.fetch(TENANT, rig.url + path(SUBACCOUNT), 5.0)
    assert rig.seen[0][2] == aiohttp.encode_basic_auth(SUBACCOUNT, "sub-token")


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/2010-04-01/x",
        "{root}@evil.example{path}",
        "{root}.evil.example{path}",
        "{root}/2010-04-01/Accounts/AC/Messages.json",
        "{root}{path}/../../../Messages.json",
        "{root}{path}?x=1",
        "{root}{path}#x",
        "{root}{stranger}",
        "https://169.254.169.254/latest/meta-data/",
        "file:///etc/passwd",
        "",
    ],
)
async def test_what_is_no_medium_of_the_tenants_is_never_asked_for(rig: Rig, url: str) -> None:
    with pytest.raises(Unfetchable):
        await rig.fetching.fetch(TENANT, url.format(root=rig.url, path=path(), stranger=path(STRANGER)), 5.0)
    with pytest.raises(Unfetchable):
        await rig.fetching.delete(TENANT, url.format(root=rig.url, path=path(), stranger=path(STRANGER)))
    assert rig.seen == []


@pytest.mark.parametrize(
    "location", ["http://169.254.169.254/latest/", "http://10.0.0.1/", "https://[::ffff:10.0.0.1]/"]
)
async def test_a_redirect_into_a_private_network_is_refused(rig: Rig, location: str) -> None:
    rig.answers[path()] = to(location)
    with pytest.raises(Unfetchable):
        await rig.fetching.fetch(TENANT, rig.url + path(), 5.0)


@pytest.mark.parametrize(
    ("status", "error", "refused"),
    [(404, Gone, None), (401, TwilioAway, True), (403, TwilioAway, True), (503, TwilioAway, False)],
)
async def test_what_twilio_says(rig: Rig, status: int, error: type[Exception], refused: bool | None) -> None:
    rig.answers[path()] = web.Response(status=status)
    with pytest.raises(error) as told:
        await rig.fetching.fetch(TENANT, rig.url + path(), 5.0)
    if refused is not None:
        assert told.value.refused is refused  # type: ignore[attr-defined]


async def test_more_than_is_taken_is_not_read_to_its_end(rig: Rig) -> None:
    rig.answers[path()] = web.Response(body=b"x" * (2 << 20))
    with pytest.raises(Unfetchable, match="more than 1,048,576 bytes"):
        await rig.fetching.fetch(TENANT, rig.url + path(), 5.0)


async def test_what_has_a_count_alone_is_found_in_twilios_list(rig: Rig) -> None:
    uri = f"{path()}.json"
    rig.answers[f"/2010-04-01/Accounts/{ACCOUNT}/Messages/{MESSAGE}/Media.json"] = web.json_response(
        {"media_list": [{"uri": uri, "content_type": "image/jpeg", "sid": MEDIUM}]}
    )
    assert await rig.fetching.listed(TENANT, ACCOUNT, MESSAGE) == [(rig.url + path(), "image/jpeg")]


async def test_a_list_that_comes_in_pieces_is_read_whole(rig: Rig) -> None:
    uris = [f"{path().removesuffix(MEDIUM)}ME{place:032x}.json" for place in range(50)]
    told = json.dumps({"media_list": [{"uri": uri, "content_type": "image/jpeg"} for uri in uris]}).encode()

    async def pieces() -> AsyncIterator[bytes]:
        for place in range(0, len(told), 3000):
            yield told[place : place + 3000]
            await asyncio.sleep(0.02)

    rig.answers[f"/2010-04-01/Accounts/{ACCOUNT}/Messages/{MESSAGE}/Media.json"] = web.Response(body=pieces())
    found = await rig.fetching.listed(TENANT, ACCOUNT, MESSAGE)
    assert [url for url, _ in found] == [rig.url + uri.removesuffix(".json") for uri in uris]


async def test_a_region_has_a_host_of_its_own(rig: Rig) -> None:
    """Credentials are good in their region alone, wherever the webhook says that the file lies."""
    regional = TENANT.model_copy(update={"region": "ie1"})
    await rig.fetching.fetch(regional, rig.url + path(), 5.0)
    await rig.fetching.fetch(regional, f"{rig.url}/ie1{path()}", 5.0)
    assert {where for _, where, _ in rig.seen} == {f"/ie1{path()}"}
