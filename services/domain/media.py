"""Media that a message is to carry: what a channel takes of them, and how long their URLs hold. Pure.

Types and sizes are Twilio's: its page on accepted content types (July 2026), that on media by WhatsApp, and of files by
MMS that are no images its OpenAPI. Its pages disagree on some types by WhatsApp: what one of them takes passes here.
Messenger's are not confirmed by anybody, so nothing is said of them.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import msgspec

from services.domain.clock import to_iso

_MB = 1 << 20
_IMAGES = frozenset({"image/jpeg", "image/jpg", "image/gif", "image/png"})
_OTHER_IMAGES = frozenset({"image/heic", "image/heif", "image/tiff", "image/bmp"})
_OFFICE = "application/vnd.openxmlformats-officedocument."
_MORE = frozenset(
    {
        *("application/pdf", "application/vcard", "application/vnd.apple.pkpass"),
        *(f"text/{name}" for name in ("vcard", "x-vcard", "csv", "rtf", "richtext", "calendar", "directory")),
    }
)
_BY_WHATSAPP = frozenset(
    {
        *("image/webp", "text/plain", "application/msword", "application/vnd.ms-excel"),
        "application/vnd.ms-powerpoint",
        *(f"{_OFFICE}{name}" for name in ("presentationml.presentation", "spreadsheetml.sheet")),
        f"{_OFFICE}wordprocessingml.document",
    }
)
_SOUND_AND_FILM = re.compile(
    r"audio/(?:basic|l24|mp4|mpeg|ogg|vorbis|aac|vnd\.rn-realaudio|vnd\.wave|3gpp|3gpp2|ac3|webm|amr-nb|amr)"
    r"|video/(?:mpeg|mpeg4|mp4|quicktime|webm|3gpp|3gpp2|3gpp-tt|h261|h263|h263-1998|h263-2000|h264)"
)
_ACCEPTED = {
    "mms": _IMAGES | _OTHER_IMAGES | _MORE,
    "rcs": _IMAGES | _MORE,
    "whatsapp": _IMAGES | _OTHER_IMAGES | _MORE | _BY_WHATSAPP,
}
# Of a message's media together.
_ALL_BYTES: Mapping[str, int] = {"mms": 5 * _MB, "rcs": 16 * _MB}
_WHATSAPP_IMAGE, _WHATSAPP_FILM = 5 * _MB, 16 * _MB

_IN_WORDS = {"mms": "MMS", "rcs": "RCS", "whatsapp": "WhatsApp"}

Of = Literal["reach", "content", "signature"]


class MediumSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A medium as it was found. `place`: in media_urls. `type`, `size`: as its host states them.

    `fault`: what keeps Twilio from sending it, as words that follow its name; `of`: it cannot be fetched, the channel
    does not take it, or its signed URL ends too soon. `again_at`: the fault may pass, and it is looked at again then.
    """

    place: int
    host: str
    type: str | None = None
    size: int | None = None
    fault: str | None = None
    of: Of | None = None
    again_at: str | None = None


class Found(NamedTuple):
    """What a look at one URL came to; without a fault, what its host states of it."""

    type: str | None = None
    size: int | None = None
    fault: str | None = None
    again_at: str | None = None


class MediaRules(NamedTuple):
    """What a tenant asks of its media. `documents`: the most bytes of a document by WhatsApp; `mms_files`: of what is
    no image by MMS. `types`: that are taken beside those of Twilio's page. `signed_s`: how long a signed URL must hold.
    """

    documents: int = 16 * _MB
    mms_files: int = 500 * 1024
    types: frozenset[str] = frozenset()
    signed_s: float = 600.0


def judge(channel: str, looks: Iterable[tuple[str, Found]], rules: MediaRules, now: str) -> list[MediumSeen]:
    """What was found of each URL, and what is wrong with it now."""
    seen = [_medium(channel, place, look, rules, now) for place, look in enumerate(looks)]
    return _together(channel, seen)


def signature_ends(url: str) -> str | None:
    """Until when a signed URL holds; None where it states no such thing. Amazon's, Google's, Azure's, older ones."""
    query = {name.lower(): value for name, value in parse_qsl(urlsplit(url).query)}
    for maker in ("x-amz", "x-goog"):
        if (begin := query.get(f"{maker}-date")) and (length := query.get(f"{maker}-expires")):
            return _after(begin, length)
    if "se" in query and "sig" in query:
        return _moment(query["se"])
    if "expires" in query and {"signature", "key-pair-id"} & query.keys():
        return _epoch(query["expires"])
    return None


def _after(begin: str, length: str) -> str | None:
    try:
        start = datetime.strptime(begin, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        return to_iso(start + timedelta(seconds=int(length)))
    except (ValueError, OverflowError):
        return None


def _moment(text: str) -> str | None:
    try:
        found = datetime.fromisoformat(text)
        return to_iso(found if found.tzinfo else found.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return None


def _epoch(text: str) -> str | None:
    try:
        return to_iso(datetime.fromtimestamp(int(text), UTC))
    except (ValueError, OverflowError, OSError):
        return None


def _medium(channel: str, place: int, look: tuple[str, Found], rules: MediaRules, now: str) -> MediumSeen:
    url, found = look
    fault: str | None
    of: Of | None
    ends, wanted = signature_ends(url), to_iso(datetime.fromisoformat(now) + timedelta(seconds=rules.signed_s))
    again_at = None
    if ends is not None and ends < wanted:
        fault, of = f"is signed until {ends}, and is to hold until {wanted}: Twilio may fetch it late", "signature"
    elif found.fault is not None:
        fault, of, again_at = found.fault, "reach", found.again_at
    else:
        fault = _unfit(channel, found, rules)
        of = "content" if fault else None
    host = urlsplit(url).hostname or ""
    return MediumSeen(place=place, host=host, type=found.type, size=found.size, fault=fault, of=of, again_at=again_at)


def _unfit(channel: str, found: Found, rules: MediaRules) -> str | None:
    accepted = _ACCEPTED.get(channel)
    if accepted is None:
        return None
    if found.type is None:
        return "has no Content-Type: Twilio refuses it"
    if not (found.type in accepted | rules.types or _SOUND_AND_FILM.fullmatch(found.type)):
        return f"has the Content-Type {found.type}, which {_IN_WORDS[channel]} does not take"
    most = _most(channel, found.type, rules)
    if found.size is not None and found.size > most:
        return f"has {found.size:,} bytes; {_IN_WORDS[channel]} takes {most:,} of {found.type}"
    return "is empty" if found.size == 0 else None


def _most(channel: str, type_: str, rules: MediaRules) -> int:
    if channel == "whatsapp":
        if type_.startswith("image/"):
            return _WHATSAPP_IMAGE
        return _WHATSAPP_FILM if type_.startswith(("audio/", "video/")) else rules.documents
    return rules.mms_files if channel == "mms" and type_ not in _IMAGES else _ALL_BYTES[channel]


def _together(channel: str, seen: list[MediumSeen]) -> list[MediumSeen]:
    """Media that fit one by one may be too much together."""
    most, total = _ALL_BYTES.get(channel), sum(one.size or 0 for one in seen)
    if most is None or total <= most or any(one.fault for one in seen):
        return seen
    last = seen[-1]
    fault = f"makes {total:,} bytes together with the others; {_IN_WORDS[channel]} takes {most:,} in a message"
    return [*seen[:-1], msgspec.structs.replace(last, fault=fault, of="content")]
