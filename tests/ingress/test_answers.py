"""What ingress answers: one line per case. Kafka is away throughout, so that every 2xx is a line in the spool."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlencode

import msgspec
import pytest
import pytest_asyncio
from twilio.twiml.messaging_response import MessagingResponse

from services.domain.messages.callback import RETRIES, callback_query
from services.ingress import segments
from tests.ingress.rig import FORM, PUBLIC, SECRET, Caller, running, settings
from tests.ingress.signing import (
    ACCOUNT,
    FORGED,
    OTHER_TOKEN,
    SUBACCOUNT,
    SUBACCOUNT_TOKEN,
    TOKEN,
    Pairs,
    by_key,
    form,
    sign,
    with_hash,
)

MESSAGES = "/twilio/acme/messages"
STATUS = "/twilio/acme/status"
FALLBACK = "/twilio/acme/fallback"
PAIRS: Pairs = [("AccountSid", ACCOUNT), ("MessageSid", "SM1"), ("From", "+14155550123"), ("Body", "Hi + 👋 ")]
EMPTY = '<?xml version="1.0" encoding="UTF-8"?><Response/>'


@pytest_asyncio.fixture
async def caller(tmp_path: Path) -> AsyncIterator[Caller]:
    async with running(settings(tmp_path, max_body_bytes=2000)) as caller:
        yield caller


def spooled(directory: Path) -> list[bytes]:
    paths = sorted((directory / "spool").glob("*.facts"))
    return [fact.value for path in paths for fact in segments.decode(path.read_bytes()).facts]


@pytest.mark.parametrize(
    ("target", "pairs", "status"),
    [
        (MESSAGES, PAIRS, 200),
        (FALLBACK, [*PAIRS, ("ErrorCode", "11200")], 200),
        (STATUS, [*PAIRS, ("MessageStatus", "sent")], 204),
        (STATUS + "?c=1&k=2&s=3", PAIRS, 204),
        (STATUS + "?", PAIRS, 204),
        (STATUS + "/", PAIRS, 204),
        (MESSAGES, [("a", "1"), ("a", "2"), ("", "x"), ("b", "")], 200),
        (MESSAGES, [], 200),
        (MESSAGES, [("Latitude", "52.5"), ("Longitude", "13.4")], 200),
    ],
)
async def test_signed_webhooks_are_kept(caller: Caller, tmp_path: Path, target: str, pairs: Pairs, status: int) -> None:
    assert await caller.post(target, pairs) == status
    assert len(spooled(tmp_path)) == 1


async def test_what_a_keyword_rule_tells_is_kept_beside_the_message(caller: Caller, tmp_path: Path) -> None:
    asked = [pair for pair in PAIRS if pair[0] != "Body"] + [("Body", "Ticket #7.")]
    for _ in range(2):
        assert await caller.post(MESSAGES, asked) == 200
    kept = [msgspec.json.decode(value) for value in spooled(tmp_path)]
    assert [fact["event_type"] for fact in kept] == ["twilio_inbound", "keyword_heard"] * 2
    message, heard, _, again = kept
    assert (heard["rule"], heard["values"], heard["replied"]) == ("ticket", {"id": "7"}, True)
    assert heard["inbound_event_id"] == message["event_id"]
    assert heard["contact"] == message["contact"]
    assert heard["event_id"] == again["event_id"]


@pytest.mark.parametrize(
    ("token", "account", "accepted"),
    [
        (TOKEN, ACCOUNT, True),
        (OTHER_TOKEN, ACCOUNT, True),
        (SUBACCOUNT_TOKEN, SUBACCOUNT, True),
        # A subaccount's token must not speak for the parent, nor the parent's where the subaccount has its own.
        (SUBACCOUNT_TOKEN, ACCOUNT, False),
        (TOKEN, SUBACCOUNT, False),
        ("a token long gone", ACCOUNT, False),
    ],
)
async def test_tokens(caller: Caller, token: str, account: str, accepted: bool) -> None:
    pairs = [("AccountSid", account), ("Body", "Hi")]
    status = await caller.post(MESSAGES, pairs, X_Twilio_Signature=sign(PUBLIC + MESSAGES, pairs, token))
    assert status == (200 if accepted else 403)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (by_key("key-1", PUBLIC + MESSAGES, PAIRS), 200),
        (by_key("key-2", PUBLIC + MESSAGES, PAIRS), 200),
        # Each key for itself, and for its algorithm alone; an auth token is no shared key.
        (by_key("key-1", PUBLIC + MESSAGES, PAIRS, "the next shared key"), 403),
        (by_key("key-1", PUBLIC + MESSAGES, PAIRS, TOKEN), 403),
        (by_key("key-3", PUBLIC + MESSAGES, PAIRS, "a shared key"), 403),
        ({"X_Twilio_Signature": sign(PUBLIC + MESSAGES, PAIRS, TOKEN, "HMAC_SHA256")}, 403),
        ({"X_Twilio_Signature": sign(PUBLIC + MESSAGES, PAIRS, "a shared key")}, 403),
        ({"X_Twilio_Webhooks_Signature_Settings": "key=key-1,algorithm=HMAC_SHA1"}, 403),
        ({"X_Twilio_Webhooks_Signature_Settings": "key=key-1"}, 403),
        ({"X_Twilio_Webhooks_Signature_Settings": "key=,algorithm=HMAC_SHA256"}, 403),
        ({"X_Twilio_Webhooks_Signature_Settings": "key=key-1,algorithm=HMAC_MD5"}, 403),
        ({"X_Twilio_Webhooks_Signature_Settings": "algorithm=HMAC_SHA1"}, 200),
        ({"X_Twilio_Webhooks_Signature_Settings": ""}, 200),
    ],
)
async def test_shared_keys(caller: Caller, headers: dict[str, str], status: int) -> None:
    assert await caller.post(MESSAGES, PAIRS, **headers) == status


async def test_a_query_that_was_signed_unescaped(caller: Caller, tmp_path: Path) -> None:
    pairs = [
        ("AccountSid", ACCOUNT),
        ("Body", "it's me"),
        ("From", "whatsapp:+14155550123"),
        ("MessageSid", "SM3"),
        ("To", "whatsapp:+14155550100"),
    ]
    target = f"{MESSAGES}?{urlencode(pairs)}"
    bare, quoted = target.replace("whatsapp%3A", "whatsapp:"), target.replace("it%27s", "it's")
    for signed in (target, bare, quoted, quoted.replace("whatsapp%3A", "whatsapp:"), target.replace("%3A", "%3a")):
        status, _, _ = await caller.call(target, method="GET", X_Twilio_Signature=sign(PUBLIC + signed))
        assert status == 200
    for other in (target.replace("it%27s", "its"), target.replace("%2B", "+"), target + "&More=1"):
        status, _, _ = await caller.call(target, method="GET", X_Twilio_Signature=sign(PUBLIC + other))
        assert status == 403
    assert len({msgspec.json.decode(fact)["event_id"] for fact in spooled(tmp_path)}) == 1


async def test_a_callback_of_ours_is_known_however_it_was_signed(caller: Caller, tmp_path: Path) -> None:
    query = callback_query(SECRET.encode(), "order:17", "acme|0123")
    target = f"{STATUS}?{query}"
    for signed in (target, target.replace("%3A", ":"), target + RETRIES):
        signature = sign(PUBLIC + signed, PAIRS)
        assert await caller.post(target, PAIRS, X_Twilio_Signature=signature) == 204
    facts = [msgspec.json.decode(fact) for fact in spooled(tmp_path)]
    assert [fact["command_id"] for fact in facts] == ["order:17"] * 3


@pytest.mark.parametrize(
    ("sent", "status", "said"),
    [
        ((MESSAGES, form(PAIRS), {"Content_Type": FORM}), 403, "X-Twilio-Signature is missing"),
        ((MESSAGES, form(PAIRS), {"Content_Type": FORM, "X_Twilio_Signature": FORGED}), 403, "public_url"),
        ((MESSAGES, form(PAIRS), {"Content_Type": FORM, "X_Twilio_Signature": FORGED}), 403, "auth token"),
        ((MESSAGES, form(PAIRS), {"Content_Type": FORM, "X_Twilio_Signature": "x"}), 403, "or is no signature"),
        # What is too large says so, whoever signed it.
        ((MESSAGES, b"a" * 2001, {"Content_Type": FORM}), 413, "max_body_bytes"),
        (("/twilio/nobody/messages", form(PAIRS), {"Content_Type": FORM}), 404, "no such tenant"),
        (("/twilio/acme/calls", b"", {}), 404, "/twilio/{tenant}/messages"),
        (("/", b"", {}), 404, "/twilio/{tenant}/messages"),
        ((MESSAGES, b"a" * 2001, {"Content_Type": FORM, "X_Twilio_Signature": FORGED}), 413, "max_body_bytes"),
        (
            (MESSAGES, b"no gzip", {"Content_Type": FORM, "X_Twilio_Signature": FORGED, "Content_Encoding": "gzip"}),
            415,
            "without Content-Encoding",
        ),
        ((MESSAGES, b"x", {"Content_Type": "text/plain", "X_Twilio_Signature": FORGED}), 415, FORM),
        (
            (
                MESSAGES,
                b"AccountSid=%b&Body=%%FF" % ACCOUNT.encode(),
                {"Content_Type": FORM, "X_Twilio_Signature": FORGED},
            ),
            400,
            "UTF-8",
        ),
        (
            (MESSAGES, b"AccountSid=%b&\xff" % ACCOUNT.encode(), {"Content_Type": FORM, "X_Twilio_Signature": FORGED}),
            400,
            "UTF-8",
        ),
        ((MESSAGES, b"Body=Hi", {"Content_Type": FORM, "X_Twilio_Signature": FORGED}), 403, "AccountSid"),
        ((MESSAGES, b"&" * 1000, {"Content_Type": FORM, "X_Twilio_Signature": FORGED}), 413, "1,000 parameters"),
        ((MESSAGES, b"[1]", {"Content_Type": "application/json", "X_Twilio_Signature": FORGED}), 400, "JSON object"),
        ((MESSAGES, b"{}", {"Content_Type": "application/json", "X_Twilio_Signature": FORGED}), 403, "AccountSid"),
    ],
)
async def test_refusals_say_what_to_do_and_nothing_else(
    caller: Caller, tmp_path: Path, sent: tuple[str, bytes, dict[str, str]], status: int, said: str
) -> None:
    target, body, headers = sent
    answered, text, _ = await caller.call(target, body, **headers)
    assert answered == status
    assert said in text
    assert len(text.splitlines()) == 1
    assert "Traceback" not in text
    assert spooled(tmp_path) == []


async def test_a_forwarded_host_changes_nothing(caller: Caller) -> None:
    forged = sign(f"https://evil.example{MESSAGES}", PAIRS)
    forwarded = {"X_Forwarded_Host": "evil.example", "X_Forwarded_Proto": "https", "Host": "evil.example"}
    assert await caller.post(MESSAGES, PAIRS, X_Twilio_Signature=forged, **forwarded) == 403
    assert await caller.post(MESSAGES, PAIRS, **forwarded) == 200


async def test_bytes_that_are_no_text_but_signed_are_kept(caller: Caller, tmp_path: Path) -> None:
    # Signed over the bytes, as any signer must: the library takes text, so the text here is the URL's.
    signed = sign(f"{PUBLIC}{MESSAGES}AccountSid{ACCOUNT}Bodycaf\\xe9")
    named = b"AccountSid=" + ACCOUNT.encode()
    status, _, _ = await caller.call(MESSAGES, named + b"&Body=caf%E9", Content_Type=FORM, X_Twilio_Signature=signed)
    assert status == 400
    signed = sign(f"{PUBLIC}{MESSAGES}AccountSid{ACCOUNT}Bodycaf%ZZ")
    status, _, _ = await caller.call(MESSAGES, named + b"&Body=caf%ZZ", Content_Type=FORM, X_Twilio_Signature=signed)
    assert status == 200
    assert b'"body":"caf%ZZ"' in spooled(tmp_path)[0]


async def test_json_goes_by_its_hash(caller: Caller, tmp_path: Path) -> None:
    body = b'{"AccountSid":"%s","Body":"Hi","NumMedia":1}' % ACCOUNT.encode()
    target = with_hash(MESSAGES, body)
    headers = {"Content_Type": "application/json", "X_Twilio_Signature": sign(PUBLIC + target)}
    assert (await caller.call(target, body, **headers))[0] == 200
    assert (await caller.call(target, body + b" ", **headers))[0] == 403
    (kept,) = spooled(tmp_path)
    assert b'"num_media":1' in kept


async def test_a_hash_of_raw_bytes_is_refused_as_any_other(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    chosen = settings(tmp_path)
    async with running(chosen):
        reader, writer = await asyncio.open_connection("127.0.0.1", chosen.ingress.port)
        writer.write(
            b"POST /twilio/acme/messages?bodySHA256=\xff HTTP/1.1\r\nHost: x\r\n"
            b"X-Twilio-Signature: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n"
            b"Content-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
        )
        answer = await reader.read()
        writer.close()
    # aiohttp's parser in C refuses it as no HTTP; the one in Python lets it through to us.
    assert answer.split()[1] in (b"400", b"403")
    assert "Traceback" not in caplog.text


async def test_get_has_its_parameters_in_the_signed_url(caller: Caller, tmp_path: Path) -> None:
    target = f"{MESSAGES}?{urlencode(PAIRS)}"
    assert (await caller.call(target, method="GET", X_Twilio_Signature=sign(PUBLIC + target)))[0] == 200
    assert (await caller.call(target + "1", method="GET", X_Twilio_Signature=sign(PUBLIC + target)))[0] == 403
    # A POST's signature also fits a GET whose URL ends in the POST's parameters, run on without separators.
    run_on = f"{STATUS}?c=1"
    signature = sign(PUBLIC + run_on, [("AccountSid", ACCOUNT)])
    assert (await caller.call(f"{run_on}AccountSid{ACCOUNT}", method="GET", X_Twilio_Signature=signature))[0] == 403
    assert len(spooled(tmp_path)) == 1


@pytest.mark.parametrize("method", ["PUT", "HEAD", "DELETE"])
async def test_other_methods_are_not_for_webhooks(caller: Caller, method: str) -> None:
    status, _, headers = await caller.call(MESSAGES, method=method)
    assert (status, headers["Allow"]) == (405, "POST, GET")


@pytest.mark.parametrize(
    ("body", "reply"),
    [
        ("HELP", "Call us & ask <anything>"),
        (" help ", "Call us & ask <anything>"),
        ("Help!", "Call us & ask <anything>"),
        ("Info", "We are ACME"),
        ("help me", None),
        ("", None),
    ],
)
@pytest.mark.parametrize("target", [MESSAGES, FALLBACK])
async def test_keywords_are_answered_as_twilio_would_write_it(
    caller: Caller, target: str, body: str, reply: str | None
) -> None:
    person, ours = "whatsapp:+14155550123", "whatsapp:+14155550100"
    pairs = [("AccountSid", ACCOUNT), ("From", person), ("To", ours), ("Body", body)]
    signed = {"Content_Type": FORM, "X_Twilio_Signature": sign(PUBLIC + target, pairs)}
    status, text, headers = await caller.call(target, form(pairs), **signed)
    twiml = MessagingResponse()
    if reply:
        twiml.message(reply)
    assert (status, headers["Content-Type"].partition(";")[0]) == (200, "text/xml")
    assert text.replace("<Response/>", "<Response />") == str(twiml)
    # Told again, also by the fallback, it is answered alike.
    assert (await caller.call(target, form(pairs), **signed))[1] == text


async def test_a_full_spool_is_503_and_not_ready(tmp_path: Path) -> None:
    async with running(settings(tmp_path, spool_bytes=1 << 16)) as caller:
        body = [("AccountSid", ACCOUNT), ("Body", "x" * 9000)]
        statuses = [await caller.post(MESSAGES, body) for _ in range(4)]
        assert statuses[0] == 200
        assert statuses[-1] == 503
        ready = await caller.ready()
        assert ready["spool_bytes"] > 20_000
        assert await caller.post(MESSAGES, PAIRS) == 200
        _, _, headers = await caller.call(
            MESSAGES, form(body), Content_Type=FORM, X_Twilio_Signature=sign(PUBLIC + MESSAGES, body)
        )
        assert headers["Retry-After"] == "5"
        while await caller.post(MESSAGES, PAIRS) == 200:
            pass
        ready = await caller.ready()
        assert (ready["http"], ready["reasons"]) == (503, ["Kafka is away and the spool is full"])


async def test_refusals_are_counted_by_reason(caller: Caller) -> None:
    before = await counted(caller, 'rejected_total{reason="signature"}')
    await caller.call(MESSAGES, form(PAIRS), Content_Type=FORM, X_Twilio_Signature=FORGED)
    assert await counted(caller, 'rejected_total{reason="signature"}') == before + 1
    assert await counted(caller, "spool_bytes") == 0
    await caller.post(MESSAGES, PAIRS)
    assert await counted(caller, "spool_bytes") > 0
    assert await counted(caller, "kafka_up") == 0


async def test_ready_and_healthy_without_kafka_as_long_as_the_spool_takes_it(caller: Caller) -> None:
    ready = await caller.ready()
    assert (ready["http"], ready["reasons"]) == (200, [])
    assert ready["kafka"] != "connected"


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/"])
async def test_strangers_are_told_nothing_of_how_it_is(caller: Caller, path: str) -> None:
    """Operations have a port of their own; the metrics name tenants."""
    await caller.post(MESSAGES, PAIRS)
    status, text, _ = await caller.call(path, method="GET")
    assert status == 404
    assert "acme" not in text
    assert 'tenant="acme"' in await caller.metrics()


async def counted(caller: Caller, name: str) -> float:
    text = await caller.metrics()
    (line,) = [line for line in text.splitlines() if line.startswith(f"switchboard_ingress_{name} ")]
    return float(line.rpartition(" ")[2])
