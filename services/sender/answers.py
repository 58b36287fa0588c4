"""What an answer says that is no success: Twilio's code, and the words, in whatever shape they come.

Classic `{code, message, more_info, status}`; newer APIs `{type, title, status, detail, code}`; or a proxy's own page.
"""

import re
from http import HTTPStatus
from typing import Any, NamedTuple

import msgspec

from services.runtime.masking import scrub

# A code below is an HTTP status that somebody between us and Twilio wrote there.
_FIRST_CODE = 10_000
_LAST_CODE = 999_999
_LONGEST = 500
# That there is no such thing. A proxy's page says it too, but in none of Twilio's shapes.
_NOT_FOUND, _NONE_SUCH = 404, 20404
_READ = 4 * _LONGEST
_BLANKS = re.compile(r"[\s\x00-\x1f\x7f]+")
_TAGS = re.compile(r"<(?:style|script)\b.*?</(?:style|script)>|<[^<>]*>", re.IGNORECASE | re.DOTALL)


class Answered(NamedTuple):
    """`code` is None where Twilio's error body is missing: then `reason` begins with the HTTP status."""

    code: int | None
    reason: str


def refusal_of(status: int, body: bytes) -> Answered:
    """What was answered, bounded, numbers and e-mails masked where it is not Twilio's own text."""
    found = _object(body)
    code = _code(found.get("code")) or (_NONE_SUCH if _says_none(status, found) else None)
    words = _words(found.get("message")) or _words(found.get("detail")) or _words(found.get("title"))
    if code is not None:
        return Answered(code, words or f"HTTP {status}, code {code}")
    said = words or _words(_TAGS.sub(" ", body[:_READ].decode("utf-8", "replace")))
    return Answered(None, f"HTTP {status}{_name(status)}" + (f": {scrub(said)}" if said else ", without a word"))


def _says_none(status: int, found: dict[str, Any]) -> bool:
    """RFC 9457, as Twilio's newer APIs speak it, may name no code of Twilio's."""
    told = found.get("status")
    return status == _NOT_FOUND and told == status and isinstance(found.get("title"), str) and "type" in found


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _code(value: Any) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= len(str(_LAST_CODE)):
        value = int(value)
    known = isinstance(value, int) and not isinstance(value, bool) and _FIRST_CODE <= value <= _LAST_CODE
    return value if known else None


def _words(value: Any) -> str:
    text = _BLANKS.sub(" ", value[:_READ]).strip() if isinstance(value, str) else ""
    return text[:_LONGEST].encode("utf-8", "replace").decode()


def _name(status: int) -> str:
    return f" {HTTPStatus(status).phrase}" if status in set(HTTPStatus) else ""
