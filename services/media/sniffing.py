"""What a file is by its content: what Twilio, the phone or a sender of viruses calls it is no proof."""

import io
import zipfile

import puremagic

# Of what the package knows by its content but not by its MIME type.
_BY_EXTENSION = {
    **dict.fromkeys((".ogg", ".oga", ".ogv", ".ogx"), "audio/ogg"),
    ".amr": "audio/amr",
    ".m4a": "audio/mp4",
    ".mp3": "audio/mpeg",
    ".vcf": "text/vcard",
}
# One container, or one type by two names.
_SAME = (
    frozenset({"image/jpeg", "image/jpg"}),
    frozenset({"image/heic", "image/heif"}),
    frozenset({"audio/mp4", "video/mp4", "audio/m4a", "audio/x-m4a", "video/quicktime"}),
    frozenset({"audio/3gpp", "video/3gpp", "audio/3gpp2", "video/3gpp2"}),
    frozenset({"audio/ogg", "video/ogg", "application/ogg"}),
    frozenset({"audio/amr", "audio/amr-nb"}),
    frozenset({"audio/mpeg", "audio/mp3"}),
    frozenset({"text/vcard", "text/x-vcard", "text/directory"}),
)
# Nothing in their content tells them from each other.
_TEXTS = frozenset({"text/plain", "text/csv", "text/calendar", "text/vcard", "text/x-vcard"})
_OFFICE = "application/vnd.openxmlformats-officedocument."
_IN_ZIPS = {
    "word/": f"{_OFFICE}wordprocessingml.document",
    "xl/": f"{_OFFICE}spreadsheetml.sheet",
    "ppt/": f"{_OFFICE}presentationml.presentation",
}
# Begins each entry of a zip's directory. The package takes in all of them: half a million are hundreds of megabytes,
# and nothing else is done meanwhile.
_ENTRY, _MOST_ENTRIES = b"PK\x01\x02", 10_000
UNKNOWN = "application/octet-stream"


def sniff(content: bytes, declared: str | None) -> str:
    """Its type: the declared one where the content agrees; else what the content says, or UNKNOWN."""
    said = (declared or "").partition(";")[0].strip().lower()
    if content.startswith(b"PK\x03\x04"):
        return _zipped(content)
    found = _candidates(content)
    if not found:
        return said if said in _TEXTS and _is_text(content) else "text/plain" if _is_text(content) else UNKNOWN
    alike = {other for one in found for same in _SAME if one in same for other in same}
    return said if said in alike.union(found) else found[0]


def _candidates(content: bytes) -> list[str]:
    try:
        matches = puremagic.magic_string(content)
    except (puremagic.PureError, ValueError, IndexError):
        return []
    named = [one.mime_type or _BY_EXTENSION.get(one.extension, "") for one in matches]
    return list(dict.fromkeys(one for one in named if one and one != UNKNOWN))


def _zipped(content: bytes) -> str:
    """Whatever is in a zip may be anything; the three that are documents say so."""
    if content.count(_ENTRY) > _MOST_ENTRIES:
        return "application/zip"
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        return "application/zip"
    if "[Content_Types].xml" not in names or any("vbaProject" in name for name in names):
        return "application/zip"
    folders = {f"{name.partition('/')[0]}/" for name in names if "/" in name}
    return next((type_ for folder, type_ in _IN_ZIPS.items() if folder in folders), "application/zip")


def _is_text(content: bytes) -> bool:
    if b"\0" in content or content.lstrip()[:1] == b"<":
        return False
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True
