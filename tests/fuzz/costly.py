"""Requests that cost their sender little, and are to cost us little: none is signed, all go as far as they can."""

import gzip
import hashlib
import random
from functools import cache

# Is not sent at once, but so.
BYTE_BY_BYTE = "60,000 bytes, one by one"
# 20 bytes in Base64, as a digest is; nobody made it.
_FORGED = b"AAAAAAAAAAAAAAAAAAAAAAAAAAA="


@cache
def requests(account_sid: str, tenant: str = "acme") -> dict[str, bytes]:
    """By what it is: a whole request for ingress. `account_sid` is the tenant's, so that it is looked at."""
    account = account_sid.encode()
    named = b"AccountSid=" + account
    path = f"/twilio/{tenant}/messages".encode()
    dice = random.Random(7)
    mixed = b"&".join(b"%d=" % number + b"".join(dice.choices(_WORDS, k=12)) for number in range(300))
    document = b'{"AccountSid":"' + account + b'","a":' + b"[" * 20_000 + b"]" * 20_000 + b"}"
    hashed = path + b"?bodySHA256=" + hashlib.sha256(document).hexdigest().encode()
    bomb = gzip.compress(bytes(50 << 20))
    repeated = named + b"".join(_astral(1, 54) for _ in range(998))
    return {
        "no signature": _request(b"POST", path, b"Content-Type: application/x-www-form-urlencoded\r\n", named),
        "a forged signature": _form(path, named + b"&Body=Hello"),
        "what can be no signature": _form(path, named + b"&b=" + b"x" * 60_000, b"x"),
        "999 repeated names beyond U+FFFF, 54 KB": _form(path, repeated),
        "999 names beyond U+FFFF, 64 KB": _form(path, named + b"".join(_astral(number, 64) for number in range(998))),
        "9,000 names": _form(path, named + b"".join(b"&%d=" % number for number in range(9_000))),
        "60,000 ampersands": _form(path, named + b"&" * 60_000),
        "one value of 64 KB": _form(path, named + b"&b=" + b"x" * 65_000),
        "escapes that are no text, 64 KB": _form(path, named + b"&b=" + b"%ff" * 21_000),
        "escaped equals signs, 64 KB": _form(path, named + b"&b" + b"%3D" * 21_000 + b"=" + b"%3D" * 600),
        "escapes that are hardly text, 15 KB": _form(path, named + b"&b=" + b"%ff" * 4_900),
        "a query of 8 KB, all of it escapes": _form(path + b"?" + b"%3a" * 2_600, named),
        "a query of 1 KB in many spellings": _form(path + b"?" + mixed[:1_000], named),
        "the same with 54 KB of repeated names": _form(
            path + b"?" + mixed[:1_000], repeated
        ),
        "a GET of 1 KB in many spellings": _request(b"GET", path + b"?" + named + b"&" + mixed[:950], _signed()),
        "a GET of 8 KB": _request(b"GET", path + b"?" + named + b"&" + mixed[:7_900], _signed()),
        "JSON, deep, with its hash": _request(b"POST", hashed, _signed() + _JSON, document),
        "999 names, each escaped beyond U+FFFF and with a bare percent": _form(
            path, named + b"".join(b"&%%F0%%90%%80%%80%%3D=%d" % number for number in range(990))
        ),
        "999 names of five escapes": _form(
            path, named + b"".join(b"&%d%%41%%42%%43%%44%%ff=x" % number for number in range(998))
        ),
        "bytes that are no text, with as many escapes as may be": _form(
            path, named + b"&b=" + b"\xff" * 45_000 + b"%ff" * 4_990
        ),
        "a GET of hundreds of pairs": _request(b"GET", path + b"?" + named + b"&a=%3a'" * 130, _signed()),
        "a query of what one escapes and another does not": _form(path + b"?" + _specials(dice, 900), named),
        "JSON of numbers, with its hash": _document(path, account_sid, b"1e5," * 15_000),
        "JSON of empty objects, with its hash": _document(path, account_sid, b"{}," * 20_000),
        "JSON, and a query of 1,200 pairs": _document(path, account_sid, b"", b"a=%41&" * 1_200),
        "a path of 8,000 slashes": _form(path.rstrip(b"s") + b"/" * 8_000, named),
        "multipart": _request(
            b"POST", path, _signed() + b"Content-Type: multipart/form-data; boundary=x\r\n", b"--x\r\n\r\n" * 8_000
        ),
        "cookies": _request(
            b"POST", path, _signed() + _TYPE + b"".join(b"Cookie: %b\r\n" % (b"a=b; " * 100) for _ in range(55)), named
        ),
        "a header of a thousand parts": _request(
            b"POST", path, _signed() + _TYPE + b"X-Twilio-Webhooks-Signature-Settings: " + b"key=a," * 1_300 + b"\r\n",
            named,
        ),
        "gzip of 50 MiB": _request(
            b"POST", path, _signed() + _TYPE + b"Content-Encoding: gzip\r\n", bomb
        ),
        "gzip of 50 MiB for /healthz": _request(b"POST", b"/healthz", b"Content-Encoding: gzip\r\n", bomb),
        "a head of 30 KB": _request(
            b"POST", path, _signed() + _TYPE + b"".join(b"A%d: %b\r\n" % (n, b"x" * 500) for n in range(58)), named
        ),
        "chunks of one byte, 20,000": _chunked(path, [b"a"] * 20_000),
        "as many chunks as may be, of 999 repeated names": _chunked(path, [repeated[:64], *_cut(repeated[64:], 60)]),
        "999 names beyond U+FFFF that are not escaped": _form(
            path, named + b"".join(f"&𐀀{number}=𐀁".encode() for number in range(998))
        ),
        "250 names beyond U+FFFF, 64 KB": _form(path, named + b"".join(_astral(number, 260) for number in range(249))),
        "250 repeated names beyond U+FFFF, 64 KB": _form(path, named + b"".join(_astral(1, 260) for _ in range(249))),
        "999 repeated names, values beyond U+FFFF, 64 KB": _form(path, named + b"&a=%F0%90%80%81%F0%90%80%81xxx" * 998),
        "999 names, values of escapes, 64 KB": _form(
            path, named + b"".join(b"&%d=" % number + b"%c3%a9" * 9 for number in range(998))
        ),
        BYTE_BY_BYTE: _form(path, named + b"&b=" + b"x" * 60_000),
        "JSON with long numbers for its account": _accounted(path, b"1.234567890123456789012345678901234567890e-300,"),
        "JSON with empty objects for its account": _accounted(path, b"{},"),
        "JSON of 1,200 accounts": _hashed(path, b"{" + b'"AccountSid":"%b",' % account * 1_200 + b'"a":1}'),
        "999 names with the bytes that we use as marks": _form(
            path, named + b"".join(b"&%d%%26%%01%%3D%%02=%%26" % number for number in range(998))
        ),
        "a forged signature by a key": _request(
            b"POST", path, _signed() + _TYPE + b"X-Twilio-Webhooks-Signature-Settings: key=a,algorithm=HMAC_SHA256\r\n",
            repeated,
        ),
        "64 headers of one letter": _request(
            b"POST", path, _signed() + _TYPE + b"".join(b"A%d: b\r\n" % number for number in range(60)), named
        ),
        "one header sixty times": _request(b"POST", path, _signed() * 60 + _TYPE, named),
        "a body that is waited for": _request(b"POST", path, _signed() + _TYPE + b"Expect: 100-continue\r\n", named),
        "another content type, 64 KB": _request(
            b"POST", path, _signed() + b"Content-Type: " + b"a;" * 3_000 + b"\r\n", b"x" * 65_000
        ),
        "HEAD": _request(b"HEAD", path + b"?" + named, _signed()),
        "OPTIONS": _request(b"OPTIONS", path, _signed() + b"Access-Control-Request-Method: POST\r\n"),
        "another method, of 4,000 letters": _request(b"A" * 4_000, path, _signed()),
        "a path that is not here": _request(b"GET", b"/" + b"%61" * 2_600, _signed()),
        "another tenant": _form(path.replace(tenant.encode(), b"a" * 4_000), named),
    }  # fmt: skip


def _chunked(path: bytes, parts: list[bytes]) -> bytes:
    """A body in chunks."""
    head = b"POST " + path + b" HTTP/1.1\r\nHost: x\r\n" + _signed() + _TYPE + b"Transfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def _cut(text: bytes, size: int) -> list[bytes]:
    return [text[start : start + size] for start in range(0, len(text), size)]


_WORDS = [b"%C3%A9", b":", b"%3a", b"'", b"a", b"+", b"%20", b"*", b"%41", b"~", b"%2A", b"@"]
_JSON = b"Content-Type: application/json\r\n"
_TYPE = b"Content-Type: application/x-www-form-urlencoded\r\n"


def _specials(dice: random.Random, size: int) -> bytes:
    return b"".join(dice.choices([b":", b"@", b"'", b"!", b"*", b"(", b")", b"~", b",", b";", b"/"], k=size))


def _document(path: bytes, account_sid: str, parts: bytes, query: bytes = b"") -> bytes:
    """JSON whose hash is in its URL. `parts` of a list, each with its comma."""
    return _hashed(path, b'{"AccountSid":"' + account_sid.encode() + b'","a":[' + parts + b"1]}", query)


def _accounted(path: bytes, part: bytes) -> bytes:
    """JSON with a list of 60 KB where its account should stand."""
    return _hashed(path, b'{"AccountSid":[' + part * (60_000 // len(part)) + b"1]}")


def _hashed(path: bytes, body: bytes, query: bytes = b"") -> bytes:
    target = path + b"?" + query + b"bodySHA256=" + hashlib.sha256(body).hexdigest().encode()
    return _request(b"POST", target, _signed() + _JSON, body)


def _astral(number: int, size: int) -> bytes:
    """One pair with a name beyond U+FFFF, of so many bytes in all."""
    pair = b"&%F0%90%80%80" + (b"" if number == 1 else b"%d" % number) + b"=%F0%90%80%81"
    return pair + b"x" * (size - len(pair))


def _signed(signature: bytes = _FORGED) -> bytes:
    return b"X-Twilio-Signature: " + signature + b"\r\n"


def _form(target: bytes, body: bytes, signature: bytes = _FORGED) -> bytes:
    return _request(b"POST", target, _signed(signature) + _TYPE, body)


def _request(method: bytes, target: bytes, headers: bytes, body: bytes = b"") -> bytes:
    length = b"Content-Length: %d\r\n" % len(body) if body else b""
    return method + b" " + target + b" HTTP/1.1\r\nHost: x\r\n" + headers + length + b"\r\n" + body
