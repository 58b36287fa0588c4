"""HTTP that is none, or hardly: what may come over a socket, and how it is sent. Nothing of it is a good request."""

import asyncio
import functools
import gzip
import zlib

from tests.processes import TOKEN

LINE = b"POST /twilio/acme/messages HTTP/1.1\r\nHost: x\r\nX-Twilio-Signature: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n"
FORM = LINE + b"Content-Type: application/x-www-form-urlencoded\r\n"
JSON = LINE + b"Content-Type: application/json\r\n"
MIB = 1 << 20
_SHOWN = b"Authorization: Bearer " + TOKEN.encode() + b"\r\n\r\n"


def sized(head: bytes, body: bytes) -> bytes:
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


def packed(coding: bytes, body: bytes) -> bytes:
    return sized(FORM + b"Content-Encoding: " + coding + b"\r\n", body)


def _deflated(body: bytes) -> bytes:
    raw = zlib.compressobj(9, zlib.DEFLATED, -15)
    return raw.compress(body) + raw.flush()


def collisions(count: int) -> bytes:
    """Many names; Python's hashes of texts are seeded, so that none can be made to collide from afar."""
    return b"&".join(b"%d=" % number for number in range(count))


@functools.cache
def corpus() -> dict[str, bytes]:
    """What each is, and its bytes. Made when it is sent: the bombs take a second to pack."""
    return {
        "nothing but ends of lines": b"\r\n\r\n\r\n\r\n",
        "null bytes": b"\0" * 1000,
        "a line without end": b"G" * MIB,
        "HTTP/0.9": b"GET /healthz\r\n\r\n",
        "HTTP/9.9": b"GET / HTTP/9.9\r\n\r\n",
        "an HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0",
        "an HTTP/2 upgrade": b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
        b"Upgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n" + b"x" * 999,
        "a TLS hello": bytes.fromhex("16030100c8010000c40303") + bytes(200),
        "SSH": b"SSH-2.0-OpenSSH_9.0\r\n",
        "a method of any bytes": b"\xff\xfe / HTTP/1.1\r\nHost: x\r\n\r\n",
        "a method without end": b"A" * 70_000 + b" / HTTP/1.1\r\n\r\n",
        "no method": b" / HTTP/1.1\r\nHost: x\r\n\r\n",
        "no target": b"GET  HTTP/1.1\r\nHost: x\r\n\r\n",
        "OPTIONS *": b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET *": b"GET * HTTP/1.1\r\nHost: x\r\n\r\n",
        "CONNECT": b"CONNECT evil:443 HTTP/1.1\r\nHost: x\r\n\r\n",
        "TRACE": b"TRACE / HTTP/1.1\r\nHost: x\r\n\r\n",
        "an absolute target": b"GET http://evil/twilio/acme/messages HTTP/1.1\r\nHost: x\r\n\r\n",
        "an absolute target that is none": b"GET http://[:::: HTTP/1.1\r\nHost: x\r\n\r\n",
        "a port that is none": b"GET http://x:99999999/ HTTP/1.1\r\nHost: x\r\n\r\n",
        "two slashes": b"GET //evil/%2e%2e//x HTTP/1.1\r\nHost: x\r\n\r\n",
        "bytes in the target": b"GET /twilio/\xff\xfe/messages?\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        "broken percents in the target": b"POST /twilio/acme/status?%zz=%&%ff=%00 HTTP/1.1\r\n"
        b"Host: x\r\nContent-Length: 0\r\n\r\n",
        "null in the target": b"GET /twilio/\0/messages HTTP/1.1\r\nHost: x\r\n\r\n",
        "surrogates in the target": b"GET /v1/messages/%ED%A0%80 HTTP/1.1\r\nHost: x\r\n" + _SHOWN,
        "bytes in a key": b"GET /v1/messages/\xff\xfe HTTP/1.1\r\nHost: x\r\n" + _SHOWN,
        "bytes in a key of any path": b"GET /v1/commands/a/\xed\xa0\x80?tenant=\xff HTTP/1.1\r\nHost: x\r\n" + _SHOWN,
        "bytes in a query": b"GET /v1/messages/a?tenant=\xff HTTP/1.1\r\nHost: x\r\n" + _SHOWN,
        "bytes in a contact": b"GET /v1/contacts/acme%7C\xff%FF%00 HTTP/1.1\r\nHost: x\r\n" + _SHOWN,
        "a key of 8 KB": b"GET /v1/commands/" + b"k" * 8_000 + b" HTTP/1.1\r\nHost: x\r\n" + _SHOWN,
        "a key of 60 KB": b"GET /v1/commands/" + b"%41" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n" + _SHOWN,
        "half percents in a key": b"GET /v1/messages/%e2%82 HTTP/1.1\r\nHost: x\r\n" + _SHOWN,
        "a fragment": b"GET /v1/messages/a#b HTTP/1.1\r\nHost: x\r\n" + _SHOWN,
        "no host": b"GET / HTTP/1.1\r\n\r\n",
        "two hosts": b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        "a folded header": b"GET / HTTP/1.1\r\nHost: x\r\nA: 1\r\n  2\r\n\r\n",
        "a header without a colon": b"GET / HTTP/1.1\r\nHost x\r\n\r\n",
        "a header without a name": b"GET / HTTP/1.1\r\nHost: x\r\n: x\r\n\r\n",
        "a space before a colon": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length : 5\r\n\r\nhello",
        "null in a header": b"GET / HTTP/1.1\r\nHost: x\r\nA: a\0b\r\n\r\n",
        "a lone return in a header": b"GET / HTTP/1.1\r\nHost: x\r\nA: a\rX-Twilio-Signature: b\r\n\r\n",
        "lone line feeds": b"GET /nothing HTTP/1.1\nHost: x\n\n",
        "a header of 70 KB": FORM + b"A: " + b"a" * 70_000 + b"\r\n\r\n",
        "a thousand headers": LINE + b"".join(b"A%d: b\r\n" % number for number in range(1000)) + b"\r\n",
        "a signature of any bytes": b"POST /twilio/acme/messages HTTP/1.1\r\nHost: x\r\n"
        b"X-Twilio-Signature: \xff\xfe\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        b"traceparent: \xff\r\nContent-Length: 3\r\n\r\na=b",
        "an algorithm of any bytes": sized(
            FORM + b"X-Twilio-Webhooks-Signature-Settings: =,algorithm=\xff,,\r\n", b"a=b"
        ),
        "a negative length": FORM + b"Content-Length: -1\r\n\r\n",
        "a length that is none": FORM + b"Content-Length: 1x\r\n\r\na",
        "a length with a plus": FORM + b"Content-Length: +1\r\n\r\na",
        "a length beyond 64 bits": FORM + b"Content-Length: 99999999999999999999999\r\n\r\na",
        "two lengths": FORM + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\naa",
        "two equal lengths": FORM + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\na=b",
        "a length list": FORM + b"Content-Length: 3, 3\r\n\r\na=b",
        "a length that is too short": sized(FORM, b"a=b") + b"GET /smuggled HTTP/1.1\r\n",
        "a length and chunks": FORM + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n"
        b"\r\n0\r\n\r\nGET /s HTTP/1.1\r\n\r\n",
        "chunks and a length": FORM + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n5\r\na=b&c\r\n0\r\n\r\n",
        "chunked twice": FORM + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
        "another transfer coding": FORM + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "a transfer coding of any bytes": FORM + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
        "identity": FORM + b"Transfer-Encoding: identity\r\n\r\na=b",
        "a chunk size that is none": FORM + b"Transfer-Encoding: chunked\r\n\r\nzz\r\na=b\r\n0\r\n\r\n",
        "a negative chunk": FORM + b"Transfer-Encoding: chunked\r\n\r\n-1\r\na=b\r\n0\r\n\r\n",
        "a chunk size beyond 64 bits": FORM + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\na",
        "a chunk size without end": FORM + b"Transfer-Encoding: chunked\r\n\r\n" + b"0" * 100_000,
        "a chunk extension without end": FORM + b"Transfer-Encoding: chunked\r\n\r\n3;" + b"x" * 100_000,
        "a chunk that is longer than it says": FORM + b"Transfer-Encoding: chunked\r\n\r\n1\r\na=b\r\n0\r\n\r\n",
        "trailers without end": FORM + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"A: b\r\n" * 50_000 + b"\r\n",
        "tiny chunks beyond the limit": FORM + b"Transfer-Encoding: chunked\r\n\r\n"
        b"" + b"1\r\na\r\n" * 70_000 + b"0\r\n\r\n",
        "a gzip bomb": packed(b"gzip", gzip.compress(bytes(50 * MIB))),
        "a deflate bomb": packed(b"deflate", zlib.compress(bytes(50 * MIB))),
        "a raw deflate bomb": packed(b"deflate", _deflated(bytes(50 * MIB))),
        "a bomb in a bomb": packed(b"gzip", gzip.compress(gzip.compress(bytes(50 * MIB)))),
        "a thousand gzip members": packed(b"gzip", gzip.compress(b"a=b&" * 100) * 1000),
        "gzip that is none": packed(b"gzip", b"no gzip"),
        "gzip that ends too early": packed(b"gzip", gzip.compress(b"a=b" * 1000)[:-12]),
        "brotli": packed(b"br", b"\x0b\x02\x80a=b\x03"),
        "zstd": packed(b"zstd", bytes.fromhex("28b52ffd0458180000613d62") + bytes(4)),
        "an unknown coding": packed(b"x-unknown", b"a=b"),
        "codings in a row": packed(b"gzip, gzip, gzip", gzip.compress(b"a=b")),
        "one byte beyond the limit": sized(FORM, b"a" * (64 * 1024 + 1)),
        "at the limit": sized(FORM, b"a" * (64 * 1024)),
        "10 MB": sized(FORM, b"a" * 10_000_000),
        "thousands of pairs": sized(FORM, b"&" * 60_000),
        "thousands of names": sized(FORM, collisions(9_000)),
        "thousands of escapes": sized(FORM, b"%3D=%ff&" * 8_000),
        "thousands of one name": sized(FORM, b"a=%F0%90%80%80&" * 4_000),
        "a multipart": sized(LINE + b"Content-Type: multipart/form-data; boundary=x\r\n", b"--x\r\n\r\n" * 5_000),
        "a content type of any bytes": sized(LINE + b"Content-Type: \xff/\xfe; charset=\xfd\r\n", b"a=b"),
        "a charset that is none": sized(
            LINE + b"Content-Type: application/x-www-form-urlencoded; charset=zz\r\n", b"a=b"
        ),
        "deep JSON": sized(JSON, b"[" * 60_000),
        "deep JSON in an object": sized(JSON, b'{"a":' * 10_000 + b"1" + b"}" * 10_000),
        "JSON with NaN": sized(JSON, b'{"a": NaN, "b": Infinity, "c": 1e999}'),
        "JSON with a huge number": sized(JSON, b'{"a": ' + b"9" * 60_000 + b"}"),
        "JSON with lone surrogates": sized(JSON, b'{"\\ud800": "\\udfff"}'),
        "JSON with a name twice": sized(JSON, b'{"a": 1, "a": 2}'),
        "JSON of no UTF-8": sized(JSON, b'{"\xff": 1}'),
        "JSON that is no object": sized(JSON, b"null"),
        "expect": FORM + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\na=b",
        "expect what is unknown": FORM + b"Expect: \xff\r\nContent-Length: 3\r\n\r\na=b",
        "a websocket": b"GET /metrics2 HTTP/1.1\r\nHost: x\r\n"
        b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\n\r\n",
        "a range": b"GET /nothing HTTP/1.1\r\nHost: x\r\n"
        b"Range: bytes=99999999999999999999-\r\nIf-Modified-Since: \xff\r\n\r\n",
        "cookies": b"GET /nothing HTTP/1.1\r\nHost: x\r\nCookie: " + b"a=b; " * 1_600 + b"\r\n\r\n",
        "many requests at once": b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n" * 2_000,
    }  # fmt: skip


async def answered(port: int, sent: bytes, patience_s: float = 3.0) -> bytes:
    """What comes back for these bytes, until the other side closes or says nothing more for a while."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    found = b""
    try:
        writer.write(sent)
        while True:
            async with asyncio.timeout(patience_s if not found else 0.2):
                more = await reader.read(1 << 16)
            if not more:
                break
            found += more
    except (ConnectionError, TimeoutError):
        pass
    finally:
        writer.transport.abort()
    return found


def statuses(answer: bytes) -> list[int]:
    """The status of each response in an answer."""
    return [int(line.split()[1]) for line in answer.split(b"\r\n") if line.startswith(b"HTTP/1.")]
