"""The placeholders of a template: which there are, what each becomes, and whether a value may stand there.

By Twilio's page on variables: a name stands in double braces, has no blanks and at most 16 characters. By its pages on
content types: where values may stand; `whatsapp/authentication` takes one, the code, under `1`.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from services.domain.public_url import not_public
from services.domain.templates.events import Use

_PLACEHOLDER = re.compile(r"\{\{([^\s{}]{1,16})\}\}")
_USES: Mapping[str, Use] = {
    **dict.fromkeys(("url", "media", "media_url"), "url_part"),
    **dict.fromkeys(("latitude", "longitude"), "number"),
    "phone": "phone",
    "code": "code",
}
_AUTHENTICATION = "whatsapp/authentication"
_PHONE = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)
_NUMBER = re.compile(r"-?\d{1,3}(\.\d{1,15})?", re.ASCII)
_WORD = re.compile(r"[^\s\x00-\x1f\x7f]+")
# Of one kind; the rest is counted.
_NAMED = 20


def placeholders(types: Mapping[str, Any]) -> dict[str, list[Use]]:
    """Name → what its value becomes, in each place where it stands."""
    found: defaultdict[str, set[Use]] = defaultdict(set)
    for field, text in _texts(types, ""):
        for name in _PLACEHOLDER.findall(text):
            use = _USES.get(field, "text")
            found[name].add("url" if use == "url_part" and text.strip() == f"{{{{{name}}}}}" else use)
    if _AUTHENTICATION in types:
        found["1"].add("code")
    return {name: sorted(found[name]) for name in sorted(found, key=_in_order)}


def faults_of_variables(known: Mapping[str, list[Use]], given: Mapping[str, str]) -> list[str]:
    """All that is wrong with the values for a template's placeholders, a sentence each; no value is quoted.

    A sample that the template has for its reviewers is no value: who left one out did not mean to send that.
    """
    lacking, superfluous = [one for one in known if one not in given], [one for one in given if one not in known]
    faults = [f"content_variables.{name}: missing; the template has this placeholder" for name in lacking[:_NAMED]]
    faults += [f"content_variables.{name}: the template has no such placeholder" for name in superfluous[:_NAMED]]
    for name, uses in known.items():
        if name in given:
            faults += [f"content_variables.{name}: {fault}" for use in uses if (fault := _fault(use, given[name]))]
    return faults


def _fault(use: Use, value: str) -> str | None:
    match use:
        case "url":
            fault = not_public(value)
            return f"it stands for a whole URL, and {fault}" if fault else None
        case "url_part":
            return None if _WORD.fullmatch(value) else "it stands within a URL, where no blanks may be"
        case "phone":
            return None if _PHONE.fullmatch(value) else "it stands for a phone number: write it in E.164, +14155550123"
        case "number":
            return None if _NUMBER.fullmatch(value) else "it stands for a coordinate: write it as 37.787890"
        case "code":
            return None if _WORD.fullmatch(value) else "it stands for a code, which has no blanks"
        case "text":
            return None


def _texts(found: Any, field: str) -> Iterator[tuple[str, str]]:
    """Every text with the field that it stands in; those of a list stand in the list's."""
    if isinstance(found, str):
        yield field, found
    elif isinstance(found, Mapping):
        for name, one in found.items():
            yield from _texts(one, name)
    elif isinstance(found, list):
        for one in found:
            yield from _texts(one, field)


def _in_order(name: str) -> tuple[bool, int, str]:
    number = name.isascii() and name.isdigit()
    return not number, int(name) if number else 0, name
