"""The gateway against the simulator: each way a create call can end, and what is known of the message then."""

import asyncio
import base64
import contextlib
import json
import logging
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import aiohttp
import msgspec
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from twilio.http import AsyncHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from services.domain.messages.commands import CommandAccepted, Options
from services.domain.messages.effects import MessageCreated
from services.domain.outbox.facts import Unknown
from services.runtime.config import Settings
from services.runtime.line import Line
from services.runtime.simulated import FaultSettings, SimulatorSettings
from services.runtime.tenants.live import Tenants
from services.runtime.tenants.settings import TenantSettings
from services.sender.messages.creating import form
from services.sender.outcomes import Refusal
from services.simulator.app import serve
from tests.sender.gateway import Gateway
from tests.sender.histories import accepted
from tests.waiting import eventually

ACCOUNT, API_KEY = "AC" + "a" * 32, "SK" + "c" * 32
CALLBACK = "http://127.0.0.1:9/twilio/acme/status?c=1"
MESSAGE = b'{"sid":"SM1","account_sid":"AC1","status":"queued","from":"+14155550100","num_segments":"1"}'

# What Twilio keeps and how it sends, and how it shows and judges it.
RETAINED: dict[str, Any] = {
    "content_retention": "discard",
    "address_retention": "obfuscate",
    "traffic_type": "free",
    "send_as_mms": False,
}
SHOWN: dict[str, Any] = {
    "persistent_action": ["geo:1,2", "geo:-3.5,4|There"],
    "shorten_urls": True,
    "message_intent": "otp",
    "risk_check": "disable",
}


def tenant(token: str = "first-token", **other: Any) -> TenantSettings:
    return TenantSettings(
        account_sid=ACCOUNT,
        auth_tokens=[SecretStr(token), SecretStr("second-token")],
        contact_secret=SecretStr("unused"),
        **other,
    )


@dataclass
class Twilio:
    """A running simulator, and gateways to it."""

    url: str
    session: aiohttp.ClientSession
    gateways: contextlib.AsyncExitStack

    async def gateway(self, of: TenantSettings | None = None, timeout_s: float = 20.0) -> Gateway:
        return await gateway(self.gateways, self.url, of or tenant(), timeout_s)

    async def faults(self, **faults: Any) -> None:
        async with self.session.put(f"{self.url}/simulator/faults", json=faults) as answer:
            assert answer.status == 200, await answer.text()

    async def created(self) -> list[dict[str, Any]]:
        async with self.session.get(f"{self.url}/simulator/messages") as answer:
            messages: list[dict[str, Any]] = (await answer.json())["messages"]
            return messages


async def gateway(
    stack: contextlib.AsyncExitStack, url: str, of: TenantSettings, timeout_s: float, connections: int = 4
) -> Gateway:
    line = Line(timeout_s, connections)
    stack.push_async_callback(line.close)
    return Gateway(of, line, url)


@pytest.fixture
async def twilio(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Twilio]:
    monkeypatch.delenv("SWITCHBOARD_CONFIG", raising=False)
    keyed = tenant(api_key_sid=API_KEY, api_key_secret=SecretStr("api-secret"))
    settings = Settings(simulator=SimulatorSettings(port=0, faults=FaultSettings(callback_lost=1.0)))
    async with (
        serve(settings, Tenants({"acme": keyed})) as url,
        aiohttp.ClientSession() as session,
        contextlib.AsyncExitStack() as gateways,
    ):
        yield Twilio(url, session, gateways)


async def test_a_message_is_created(twilio: Twilio) -> None:
    outcome = await (await twilio.gateway()).create(accepted(), CALLBACK)
    assert isinstance(outcome, MessageCreated)
    (message,) = await twilio.created()
    assert (outcome.sid, outcome.account_sid) == (message["sid"], ACCOUNT)
    assert (outcome.status, outcome.from_, outcome.segments) == ("queued", "+14155550100", 1)


async def test_every_parameter_of_the_command_arrives(twilio: Twilio) -> None:
    options = Options(
        max_price=0.5,
        provide_feedback=True,
        validity_period=60,
        attempt=2,
        force_delivery=False,
        smart_encoded=True,
        application_sid="AP" + "f" * 32,
        **RETAINED,
        **SHOWN,
    )
    command = accepted(
        messaging_service_sid="MG" + "5" * 32,
        content="grüße 🎉 +1",
        media_urls=["https://example.com/a.jpg?x=1&y=2", "https://example.com/b.jpg"],
        options=options,
    )
    assert isinstance(await (await twilio.gateway()).create(command, CALLBACK), MessageCreated)
    (message,) = await twilio.created()
    assert message["params"] == {
        "To": "+14155550123",
        "From": "+14155550100",
        "Body": "grüße 🎉 +1",
        "MediaUrl": ["https://example.com/a.jpg?x=1&y=2", "https://example.com/b.jpg"],
        "StatusCallback": CALLBACK,
        "MaxPrice": "0.5",
        "ProvideFeedback": "true",
        "ValidityPeriod": "60",
        "Attempt": "2",
        "ForceDelivery": "false",
        "SmartEncoded": "true",
        "ApplicationSid": "AP" + "f" * 32,
        "MessagingServiceSid": "MG" + "5" * 32,
        "ContentRetention": "discard",
        "AddressRetention": "obfuscate",
        "PersistentAction": ["geo:1,2", "geo:-3.5,4|There"],
        "TrafficType": "free",
        "ShortenUrls": "true",
        "SendAsMms": "false",
        "MessageIntent": "otp",
        "RiskCheck": "disable",
    }


async def test_a_template_goes_with_its_variables_and_nothing_beside_it(twilio: Twilio) -> None:
    to, ours = "whatsapp:+14155550123", "whatsapp:+14155550100"
    said = {"content_sid": "HX" + "a" * 32, "content_variables": {"1": "Zoë", "2": '"'}, "channel": "whatsapp"}
    command = accepted(to=to, from_=ours, content="On its way", media_urls=["https://example.com/a.jpg"], **said)
    assert isinstance(await (await twilio.gateway()).create(command, CALLBACK), MessageCreated)
    (message,) = await twilio.created()
    assert message["params"] == {
        "To": to,
        "From": ours,
        "ContentSid": "HX" + "a" * 32,
        "ContentVariables": '{"1": "Zo\\u00eb", "2": "\\""}',
        "StatusCallback": CALLBACK,
    }


class Recorder(AsyncHttpClient):
    """What the twilio package would send."""

    async def request(self, method: str, url: str, **fields: Any) -> Response:
        self.request_made = method, url, fields
        return Response(201, '{"sid":"SM1"}')


@pytest.mark.parametrize("template", [True, False])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"max_price": 0.5, "provide_feedback": True, "validity_period": 60, "attempt": 2},
        {"force_delivery": False, "smart_encoded": True, "application_sid": "AP" + "f" * 32},
        RETAINED,
        SHOWN,
    ],
)
async def test_the_request_is_the_twilio_packages_own(options: dict[str, Any], template: bool) -> None:
    recorder = Recorder(logging.getLogger(__name__), True, None)
    client = Client(ACCOUNT, "first-token", http_client=recorder)
    media = ["https://example.com/a.jpg?x=1&y=2", "https://example.com/b.jpg"]
    said: dict[str, Any] = {"body": "grüße 🎉 +1 = &", "media_url": media}
    ours: dict[str, Any] = {"content": said["body"], "media_urls": media}
    if template:
        said = {"content_sid": "HX1", "content_variables": '{"1": "Zo\\u00eb"}'}
        ours = {"body": None, "content_sid": "HX1", "content_variables": {"1": "Zoë"}}
    fields = {"to": "+14155550123", "from_": "+14155550100", "status_callback": CALLBACK, **said, **options}
    command = accepted(**ours, options=Options(**options))
    async with raw(answer(201, MESSAGE)) as server, contextlib.AsyncExitStack() as stack:
        client.api.base_url = server.url
        await client.messages.create_async(**fields)
        await (await gateway(stack, server.url, tenant(), 20)).create(command, CALLBACK)
    method, url, theirs = recorder.request_made
    head, _, body = server.requests[0].decode().partition("\r\n\r\n")
    request_line, *lines = head.split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    assert request_line == f"{method} {urlsplit(url).path} HTTP/1.1"
    assert {name: headers[name.lower()] for name in theirs["headers"]} == theirs["headers"]
    assert base64.b64decode(headers["authorization"].removeprefix("Basic ")).decode() == ":".join(theirs["auth"])
    assert sorted(parse_qsl(body)) == sorted(parse_qsl(urlencode(theirs["data"], doseq=True)))


# Every character that an encoder could treat in its own way, and any other.
TEXTS = st.text(min_size=1) | st.text(alphabet=" !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~\x00\n\r\t\x7f\xa0éß€🎉", min_size=1)
ODD_OPTIONS = st.builds(
    Options,
    provide_feedback=st.none() | st.booleans(),
    force_delivery=st.none() | st.booleans(),
    smart_encoded=st.none() | st.booleans(),
    attempt=st.none() | st.integers(1, 1_000_000),
    validity_period=st.none() | st.integers(1, 36_000),
    max_price=st.none() | st.floats(0, 1_000_000, exclude_min=True),
    application_sid=st.none() | st.just("AP" + "f" * 32),
    content_retention=st.sampled_from([None, "retain", "discard"]),
    address_retention=st.sampled_from([None, "retain", "obfuscate"]),
    persistent_action=st.lists(TEXTS, max_size=2),
    traffic_type=st.sampled_from([None, "free"]),
    shorten_urls=st.none() | st.booleans(),
    send_as_mms=st.none() | st.booleans(),
    message_intent=st.sampled_from([None, "otp", "events"]),
    risk_check=st.sampled_from([None, "enable", "disable"]),
)


@given(
    command=st.builds(
        accepted,
        to=TEXTS,
        from_=st.none() | TEXTS,
        content=TEXTS,
        messaging_service_sid=st.none() | TEXTS,
        media_urls=st.lists(TEXTS, max_size=3),
        content_sid=st.none() | TEXTS,
        content_variables=st.dictionaries(TEXTS, TEXTS, max_size=3),
        options=ODD_OPTIONS,
    ),
    callback=TEXTS,
)
async def test_the_body_is_byte_for_byte_what_twilios_client_posts(command: CommandAccepted, callback: str) -> None:
    fields = {
        "from_": command.from_,
        "messaging_service_sid": command.messaging_service_sid,
        "body": command.body,
        "media_url": command.media_urls or None,
        "content_sid": command.content_sid,
        "content_variables": json.dumps(command.content_variables) if command.content_variables else None,
        **msgspec.to_builtins(command.options),
    }
    if (price := command.options.max_price) is not None:
        # The one thing that the client writes as Python does: 1e-05.
        (written,) = parse_qs(form(command, callback).decode())["MaxPrice"]
        assert float(written) == price
        assert set(written) <= set("0123456789.")
        fields["max_price"] = written
    recorder = Recorder(logging.getLogger(__name__), True, None)
    client = Client(ACCOUNT, "first-token", http_client=recorder)
    said = {name: value for name, value in fields.items() if value is not None}
    await client.messages.create_async(to=command.to, status_callback=callback, **said)
    method, url, theirs = recorder.request_made
    posted = requests.Request(method, url, data=theirs["data"]).prepare()
    assert form(command, callback) == str(posted.body).encode()


@pytest.mark.parametrize(
    ("price", "written"),
    [(1e-05, "0.00001"), (0.5, "0.5"), (1.0, "1.0"), (1_000_000.0, "1000000.0"), (1.5e-7, "0.00000015")],
)
def test_a_price_has_no_exponent(price: float, written: str) -> None:
    assert parse_qs(form(accepted(options=Options(max_price=price)), CALLBACK).decode())["MaxPrice"] == [written]


async def test_half_a_character_is_never_posted() -> None:
    async with raw(answer(201, MESSAGE)) as server, contextlib.AsyncExitStack() as stack:
        outcome = await (await gateway(stack, server.url, tenant(), 20)).create(accepted(content="\ud83c"), CALLBACK)
        assert isinstance(outcome, Refusal)
        assert not server.requests


async def test_the_environments_proxy_is_used_and_its_refusal_created_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "example.com")
    monkeypatch.setenv("no_proxy", "example.com")
    refusal = b"HTTP/1.1 503 x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    async with raw(answer(201, MESSAGE)) as proxy, raw(refusal, body=False) as closed:
        monkeypatch.setenv("http_proxy", proxy.url.replace("//", "//user:secret@"))
        monkeypatch.setenv("https_proxy", closed.url)
        assert isinstance(await end_of_call("http://twilio.invalid"), MessageCreated)
        assert isinstance(refused := await end_of_call("https://twilio.invalid"), Refusal)
    assert proxy.requests[0].startswith(b"POST http://twilio.invalid/2010-04-01/")
    assert b"Proxy-Authorization: Basic dXNlcjpzZWNyZXQ=" in proxy.requests[0]
    assert closed.requests[0].startswith(b"CONNECT twilio.invalid:443 ")
    assert (refused.retryable, refused.reached) == (True, False)


async def test_what_the_command_does_not_say_is_not_passed(twilio: Twilio) -> None:
    service = "MG" + "d" * 32
    command = accepted(from_=None, messaging_service_sid=service, to="whatsapp:US.1349")
    assert isinstance(await (await twilio.gateway()).create(command, CALLBACK), MessageCreated)
    (message,) = await twilio.created()
    assert message["params"] == {
        "To": "whatsapp:US.1349",
        "MessagingServiceSid": service,
        "Body": "hello",
        "StatusCallback": CALLBACK,
    }


@pytest.mark.parametrize(
    ("credentials", "opened"),
    [
        (tenant(), True),
        (tenant("wrong"), False),
        (tenant("wrong", api_key_sid=API_KEY, api_key_secret=SecretStr("api-secret")), True),
        (tenant(api_key_sid=API_KEY, api_key_secret=SecretStr("wrong")), False),
    ],
)
async def test_an_api_key_is_used_before_the_auth_token(
    twilio: Twilio, credentials: TenantSettings, opened: bool
) -> None:
    outcome = await (await twilio.gateway(credentials)).create(accepted(), CALLBACK)
    if opened:
        assert isinstance(outcome, MessageCreated)
    else:
        assert isinstance(outcome, Refusal)
        assert (outcome.code, outcome.retryable) == (20003, False)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"to": "+15005550001"}, 21211),
        ({"to": "+15005550009"}, 21614),
        ({"to": "+15005550004"}, 21610),
        ({"from_": "+15005550000"}, 21606),
        ({"to": "+14155550100"}, 21266),
        ({"to": "whatsapp:+14155550123"}, 21910),
        ({"content": "x" * 1601}, 21617),
    ],
)
async def test_what_twilio_refuses_was_not_created_and_is_not_tried_again(
    twilio: Twilio, changed: dict[str, str], code: int
) -> None:
    outcome = await (await twilio.gateway()).create(accepted(**changed), CALLBACK)
    assert isinstance(outcome, Refusal)
    assert (outcome.code, outcome.retryable) == (code, False)
    assert outcome.reason
    assert (outcome.request_id or "").startswith("RQ")
    assert await twilio.created() == []


async def test_too_many_requests_can_be_tried_again_when_twilio_says(twilio: Twilio) -> None:
    await twilio.faults(rate_limited=1.0)
    calls = await twilio.gateway()
    outcome = await calls.create(accepted(), CALLBACK)
    assert isinstance(outcome, Refusal)
    assert (outcome.code, outcome.retryable, outcome.retry_after) == (20429, True, 1.0)
    assert await twilio.created() == []
    await twilio.faults()
    assert isinstance(await calls.create(accepted(), CALLBACK), MessageCreated)


@pytest.mark.parametrize(("fault", "created"), [("error_before", 0), ("error_after", 1)])
async def test_after_a_server_error_nobody_knows(twilio: Twilio, fault: str, created: int) -> None:
    await twilio.faults(**{fault: 1.0})
    assert isinstance(await (await twilio.gateway()).create(accepted(), CALLBACK), Unknown)
    assert len(await twilio.created()) == created


async def test_without_an_answer_in_time_nobody_knows(twilio: Twilio) -> None:
    """The fault's latency outlives the test's own limit, so only the gateway's time-out can end the call."""
    await twilio.faults(latency_s=3600.0)
    calls = await twilio.gateway(timeout_s=1)
    assert isinstance(await asyncio.wait_for(calls.create(accepted(), CALLBACK), 30), Unknown)
    await twilio.faults()
    assert isinstance(await calls.create(accepted(), CALLBACK), MessageCreated)


@dataclass
class Raw:
    """A server that answers byte by byte as told, and counts the requests that it got."""

    url: str = ""
    requests: list[bytes] = field(default_factory=list)


@contextlib.asynccontextmanager
async def raw(*written: bytes, then_hang: bool = False, body: bool = True) -> AsyncIterator[Raw]:
    server = Raw()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            lines = head.lower().split(b"\r\n") if body else [b"content-length:0"]
            length = next(int(line[15:]) for line in lines if line.startswith(b"content-length"))
            server.requests.append(head + await reader.readexactly(length))
            for part in written:
                writer.write(part)
                await writer.drain()
            if then_hang:
                await reader.read()
        writer.close()

    listening = await asyncio.start_server(handle, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    async with listening:
        yield server


def answer(status: int, body: bytes, **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} x", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def end_of_call(url: str, timeout_s: float = 20.0) -> MessageCreated | Refusal | Unknown:
    async with contextlib.AsyncExitStack() as stack:
        return await (await gateway(stack, url, tenant(), timeout_s)).create(accepted(), CALLBACK)


async def test_where_nobody_listens_nothing_was_created() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        outcome = await end_of_call(f"http://127.0.0.1:{taken.getsockname()[1]}")
    assert isinstance(outcome, Refusal)
    assert (outcome.code, outcome.retryable, outcome.reached) == (None, True, False)


async def test_where_nobody_takes_the_connection_nothing_was_created() -> None:
    """As behind a firewall that drops packets: here the listener's backlog is full."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, contextlib.ExitStack() as waiting:
        for _ in range(4):
            one = waiting.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        outcome = await end_of_call(f"http://127.0.0.1:{full.getsockname()[1]}", timeout_s=1)
    assert isinstance(outcome, Refusal)
    assert (outcome.code, outcome.retryable, outcome.reached) == (None, True, False)


async def test_a_call_that_got_no_connection_of_its_own_created_nothing() -> None:
    async with raw(then_hang=True) as server, contextlib.AsyncExitStack() as stack:
        calls = await gateway(stack, server.url, tenant(), timeout_s=2, connections=1)
        first = asyncio.create_task(calls.create(accepted(), CALLBACK))
        await eventually(lambda: server.requests)
        second = await calls.create(accepted(), CALLBACK)
        assert isinstance(second, Refusal)
        assert second.retryable
        assert isinstance(await first, Unknown)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [b"HTTP/1.1 201 Cre"],
        [answer(201, MESSAGE)[:-20]],
        [answer(201, b"")],
        [answer(201, b"<html>")],
        [answer(201, b"[]")],
        [answer(201, b'"SM1"')],
        [answer(201, b"{}")],
        [answer(201, b"\xff")],
        [answer(408, b"")],
        [answer(500, b"<html>")],
        [answer(502, b"")],
        [answer(503, b"[1]")],
        [b"not HTTP at all\r\n\r\n"],
    ],
)
async def test_an_answer_that_is_cut_off_or_says_nothing_leaves_it_unknown_after_one_request(
    parts: list[bytes],
) -> None:
    async with raw(*parts) as server:
        assert isinstance(await end_of_call(server.url), Unknown)
    assert len(server.requests) == 1, "a call whose end is unknown was made again"


async def test_an_answer_that_stops_half_way_is_unknown_within_the_time_out() -> None:
    async with raw(answer(201, MESSAGE)[:-20], then_hang=True) as server:
        assert isinstance(await asyncio.wait_for(end_of_call(server.url, timeout_s=1), 30), Unknown)


@pytest.mark.parametrize(
    ("status", "body", "code", "retryable"),
    [
        (400, b'{"code":21211,"message":"no such number","status":400}', 21211, False),
        (400, b"<html>a proxy</html>", None, False),
        (403, b"", None, False),
        (302, b"", None, False),
        (429, b"", 20429, True),
        (429, b'{"code":14107,"message":"slow down"}', 14107, True),
        (400, b'{"type":"u","title":"t","status":400,"code":21211,"detail":"no such number"}', 21211, False),
        (429, b'{"type":"u","title":"t","status":429,"code":20429}', 20429, True),
    ],
)
async def test_a_refusal_in_any_form_is_a_refusal(status: int, body: bytes, code: int | None, retryable: bool) -> None:
    async with raw(answer(status, body, Location="http://127.0.0.1:9/")) as server:
        outcome = await end_of_call(server.url)
    assert isinstance(outcome, Refusal)
    assert (outcome.code, outcome.retryable, outcome.reached) == (code, retryable, True)
    assert outcome.too_many is (status == 429)
    assert outcome.reason
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("header", "known"),
    [
        ("RQ" + "0a" * 16, "RQ" + "0a" * 16),
        ("", None),
        ("RQ", None),
        ("+14155550123", None),
        ("RQ1 +14155550123", None),
        ("RQ" + "1" * 100, None),
    ],
)
@pytest.mark.parametrize("status", [400, 429, 503])
async def test_what_twilio_calls_a_call_is_kept_where_it_went_wrong(
    status: int, header: str, known: str | None
) -> None:
    async with raw(answer(status, b"", Twilio_Request_Id=header)) as server:
        outcome = await end_of_call(server.url)
    assert isinstance(outcome, Refusal | Unknown)
    assert outcome.request_id == known


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("inf", 3600.0),
        ("1e99", 3600.0),
        ("nan", 0.0),
        ("soon", None),
        ("", None),
    ],
)
async def test_retry_after_is_read_with_distrust(header: str, seconds: float | None) -> None:
    async with raw(answer(429, b"", Retry_After=header)) as server:
        outcome = await end_of_call(server.url)
    assert isinstance(outcome, Refusal)
    assert outcome.retry_after == seconds


async def test_one_calls_retry_after_is_not_another_calls() -> None:
    async with raw(answer(429, b"", Retry_After="9")) as limited, raw(answer(429, b"")) as silent:
        outcomes = await asyncio.gather(*(end_of_call(url) for url in (limited.url, silent.url) * 5))
    assert [getattr(one, "retry_after", None) for one in outcomes] == [9.0, None] * 5


async def test_a_segment_count_that_is_none_does_not_hide_the_message() -> None:
    async with raw(answer(201, b'{"sid":"SM1","num_segments":"many"}')) as server:
        outcome = await end_of_call(server.url)
    assert isinstance(outcome, MessageCreated)
    assert (outcome.sid, outcome.segments) == ("SM1", None)
