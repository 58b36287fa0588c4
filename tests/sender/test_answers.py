"""What an answer that is no success is read as: the code, and the words, whoever wrote it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.errors import NO_CODE, explain
from services.sender.answers import refusal_of

CLASSIC = {
    "code": 21211,
    "message": "The 'To' number +14155550123 is not valid",
    "more_info": "https://x",
    "status": 400,
}
PROBLEM = {"type": "https://x", "title": "Bad Request", "status": 400, "detail": "no such number", "code": 21211}


@pytest.mark.parametrize(
    ("status", "body", "code", "reason"),
    [
        (400, CLASSIC, 21211, "The 'To' number +14155550123 is not valid"),
        (400, PROBLEM, 21211, "no such number"),
        (400, PROBLEM | {"detail": None}, 21211, "Bad Request"),
        (400, PROBLEM | {"code": "21211"}, 21211, "no such number"),
        (400, {"code": 21211}, 21211, "HTTP 400, code 21211"),
        (403, {"code": 403, "message": "blocked by policy"}, None, "HTTP 403 Forbidden: blocked by policy"),
        (403, {"code": True, "message": ["x"]}, None, 'HTTP 403 Forbidden: {"code": true, "message": ["x"]}'),
        (404, {"code": 10**30, "title": "x"}, None, "HTTP 404 Not Found: x"),
        (404, {"error": {"code": 21211}}, None, 'HTTP 404 Not Found: {"error": {"code": 21211}}'),
        (404, {"type": "about:blank", "title": "Not Found", "status": 404}, 20404, "Not Found"),
        (404, {"type": "about:blank", "title": "Not Found", "status": 404, "code": 404}, 20404, "Not Found"),
        # Whoever says 404 in another shape may stand between us and Twilio.
        (404, {"title": "Not Found", "status": 404}, None, "HTTP 404 Not Found: Not Found"),
        (404, {"type": "about:blank", "title": "Gone", "status": 410}, None, "HTTP 404 Not Found: Gone"),
        (302, b"", None, "HTTP 302 Found, without a word"),
        (477, b"", None, "HTTP 477, without a word"),
        (407, b"<html><title>Proxy</title>\n <p>log in,\tplease</p></html>", None,
         "HTTP 407 Proxy Authentication Required: Proxy log in, please"),
        (403, b"blocked: call +1 415 555 0123 or ann@example.com", None,
         "HTTP 403 Forbidden: blocked: call +1 41•••••23 or a•••••@example.com"),
        (400, b"\xff\xfe\x00", None, "HTTP 400 Bad Request: \ufffd\ufffd"),
        (502, b"upstream timed out", None, "HTTP 502 Bad Gateway: upstream timed out"),
    ],
)  # fmt: skip
def test_an_answer_is_read(status: int, body: object, code: int | None, reason: str) -> None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    assert refusal_of(status, raw) == (code, reason)


@given(st.integers(300, 599), st.binary(max_size=2000) | st.text(max_size=2000).map(str.encode))
def test_any_answer_is_read_and_bounded(status: int, body: bytes) -> None:
    code, reason = refusal_of(status, body)
    assert 0 < len(reason) < 700
    assert reason.encode()
    assert code is not None or reason.startswith(f"HTTP {status}")


def test_a_hostile_answer_costs_no_time() -> None:
    assert refusal_of(400, b"<" * 1_000_000)[1]
    assert refusal_of(400, b"<style" * 200_000)[1]


def test_an_answer_without_a_code_says_where_to_look() -> None:
    assert explain(None) is NO_CODE
    assert "proxy" in NO_CODE.remedy
