"""What a message says of consent, by the published words (docs/consent.md). Tenants' settings are not known here."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

Action = Literal["opt_out", "opt_in"]

# A tenant may take any of them off its list but the first.
_STOP = ("stop", "stopall", "unsubscribe", "cancel", "end", "quit", "arret", "revoke", "optout")
_META = ("stoppromotions", "detenerpromociones", "pararpromocoes", "interrompipromozioni")
_START = frozenset({"start", "unstop"})
# Where Twilio listens for words, and where nobody but we do.
_START_BY = {True: frozenset({"subscribe"}), False: frozenset({"yes"})}
_TOLL_FREE = re.compile(r"(?:sms:|mms:)?\+1(?:800|833|844|855|866|877|888)\d{7}", re.IGNORECASE)
# Nobody writes a longer one, whatever stands around it.
_LONGEST = 100
# In the order in which a no is looked for, with the kind of evidence that it is.
_PLACES = (
    ("ButtonPayload", "button"),
    ("ListId", "list"),
    ("ButtonText", "button"),
    ("ListTitle", "list"),
    ("Body", "keyword"),
)
_STATED = {"button_payload": "button", "button_text": "button", "list_id": "list", "list_title": "list"}


class Meant(NamedTuple):
    """A yes or a no, the kind of evidence it is, and of a yes whether whoever keeps the block hears it."""

    action: Action
    source: str
    lifts: bool = True


def meant(event: Mapping[str, Any]) -> Meant | None:
    """Yes, no, or neither. Where Twilio understood something else than we, or a button says something else than its
    label, the safer of both. What only a tenant's settings make a word of is what the fact says."""
    raw = event.get("raw")
    parameters = {name: _first(value) for name, value in raw.items()} if isinstance(raw, dict) else {}
    parameters["Body"] = _first(event.get("body"))
    stated = event.get("heard") if isinstance(event.get("heard"), dict) else {}
    told = parameters.get("OptOutType", "").upper()
    if source := _no(event, parameters, stated):
        return Meant("opt_out", "opt_out_type" if told else source)
    return _yes(event, parameters, stated)


def _no(event: Mapping[str, Any], parameters: Mapping[str, str], stated: Any) -> str | None:
    """The kind of evidence of a no, if it is one."""
    whatsapp = str(event.get("to")).startswith("whatsapp:")
    tapped = any(parameters.get(name) for name, _ in _PLACES[:-1])
    by_tenant = stated.get("says") == "stop"
    for name, source in _PLACES:
        word = _plain(spoken(parameters.get(name, "")))
        if word == _STOP[0] or (word in _META and (whatsapp or tapped)) or (word in _STOP and by_tenant):
            return source
    if parameters.get("OptOutType", "").upper() == "STOP":
        return "opt_out_type"
    return _STATED.get(str(stated.get("by")), "keyword") if by_tenant else None


def _yes(event: Mapping[str, Any], parameters: Mapping[str, str], stated: Any) -> Meant | None:
    told, word = parameters.get("OptOutType", "").upper(), spoken(parameters["Body"])
    ours = str(event.get("to"))
    whatsapp, toll_free = ours.startswith("whatsapp:"), _TOLL_FREE.fullmatch(ours) is not None
    tapped = any(parameters.get(name) for name, _ in _PLACES[:-1])
    source = "opt_out_type" if told else "keyword"
    if word in _START:
        return Meant("opt_in", source)
    if word == "yes" and (toll_free or (tapped and told != "START")):
        return None
    # On Messenger Twilio listens for nothing itself.
    here = () if ours.startswith("messenger:") else _START_BY[whatsapp]
    if told == "START" or word in here or stated.get("says") == "start":
        return Meant("opt_in", source, lifts=not toll_free)
    return None


def spoken(text: str) -> str:
    """A short message by its letters, marks and digits, without case; else nothing."""
    text = text.strip()
    if len(text) > _LONGEST:
        return ""
    plain = unicodedata.normalize("NFKC", text).casefold()
    kept = [char for char in plain if unicodedata.category(char)[0] in "LMN" and not _draws(char)]
    return unicodedata.normalize("NFKC", "".join(kept)).casefold()


def _plain(word: str) -> str:
    """Latin words without their accents; those of other scripts are a tenant's own, which the facts name."""
    letters = unicodedata.normalize("NFD", word.replace("ı", "i"))
    return "".join(char for char in letters if not 0x300 <= ord(char) <= 0x36F)


def _draws(char: str) -> bool:
    """Whether it only says how an emoji is to be drawn."""
    code = ord(char)
    return code == 0x34F or 0x20DD <= code <= 0x20E4 or 0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF


def _first(value: Any) -> str:
    found = value[0] if isinstance(value, list) and value else value
    return found if isinstance(found, str) else ""
