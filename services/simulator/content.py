"""What Twilio refuses of a message's content and URLs.

Confirmed by Twilio's pages on the codes (2026): 21609 (an underscore, no host, more than 4,000 characters, not
reachable), 21620 (malformed, no protocol), 21623, 21654, 21656 (no JSON object; null, empty, a malformed name; a tab,
a line break), 21658 (1,600 characters a value), 63013 (more than four blanks in a row, by WhatsApp).

Not confirmed: the unit of a body's 1,600 (code points here; the page on 21617 says that emoji count for more, and not
for how much); whether 63013 comes at the create, as here, or by callback; whether a single line break is refused (21656
and 92007 say so, reports say that one is let through, and so it is here); whether a value of blanks alone is refused
as an empty one, as here; what becomes of several media by WhatsApp (taken here), and of media that cannot be fetched
(nothing happens here).
"""

import ipaddress
import json
import re
from urllib.parse import urlsplit

from services.simulator import addresses, errors
from services.simulator.errors import Refusal

LONGEST_BODY = 1600
_LONGEST_VALUE = 1600
_LONGEST_CALLBACK = 4000
_CONTENT_SID = re.compile(r"HX[0-9a-fA-F]{32}")
_NAME = re.compile(r"[^\s{}]{1,16}")
_SEVERAL_BREAKS = re.compile(r"\r?\n\s*\n")
_FIVE_BLANKS = re.compile(r"[^\S\r\n]{5,}")


def refuse_body(body: str) -> Refusal | None:
    return errors.BODY_TOO_LONG if len(body) > LONGEST_BODY else None


def refuse_template(sid: str | None, variables: str | None, to: str) -> Refusal | None:
    """`variables` as given: a JSON object in a text."""
    if sid and not _CONTENT_SID.fullmatch(sid):
        return errors.INVALID_CONTENT_SID
    if not variables:
        return None
    if not sid:
        return errors.CONTENT_SID_REQUIRED
    try:
        found = json.loads(variables)
    except ValueError:
        return errors.INVALID_CONTENT_VARIABLES
    if not isinstance(found, dict) or len(found) > 100 or not all(map(_NAME.fullmatch, found)):
        return errors.INVALID_CONTENT_VARIABLES
    by_whatsapp = addresses.channel(to) == "whatsapp"
    return next((refusal for value in found.values() if (refusal := _refuse_value(value, by_whatsapp))), None)


def variables(given: str | None) -> dict[str, object]:
    """What a send gives a template, once it was looked at."""
    return json.loads(given) if given else {}


def _refuse_value(value: object, by_whatsapp: bool) -> Refusal | None:
    if value is None or not str(value).strip():
        return errors.INVALID_CONTENT_VARIABLES
    text = str(value)
    if len(text) > _LONGEST_VALUE:
        return errors.PARAMETER_TOO_LONG
    if by_whatsapp and ("\t" in text or _SEVERAL_BREAKS.search(text)):
        return errors.INVALID_CONTENT_VARIABLES
    return errors.CHANNEL_POLICY if by_whatsapp and _FIVE_BLANKS.search(text) else None


def refuse_media(urls: tuple[str, ...]) -> Refusal | None:
    if len(urls) > 10:
        return errors.TOO_MANY_MEDIA
    wrong = [url for url in urls if not is_web_url(url)]
    return errors.INVALID_MEDIA_URL.about(", ".join(wrong)) if wrong else None


def refuse_callback(url: str | None, public: bool) -> Refusal | None:
    """`public`: only what the internet reaches will do, as at Twilio; else a loopback address may be called too."""
    if not url:
        return None
    host = _host(url)
    good = host and "_" not in host and len(url) <= _LONGEST_CALLBACK and (_is_public(host) or not public)
    return None if good else errors.INVALID_CALLBACK.about(url)


def is_web_url(text: str) -> bool:
    """Whether it is an absolute http or https URL without blanks."""
    return bool(_host(text))


def _host(text: str) -> str:
    if re.search(r"[\s\x00-\x1f\x7f]", text):
        return ""
    try:
        parts = urlsplit(text)
        return (parts.hostname or "") if parts.scheme in ("http", "https") and parts.port != 0 else ""
    except ValueError:
        return ""


def _is_public(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        last = host.rstrip(".").rpartition(".")[2]
        return "." in host and last not in ("localhost", "local", "internal") and not last.isdigit()
