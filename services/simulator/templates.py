"""Content templates as Twilio keeps them: what is in them, what WhatsApp said of them, and what a send may not do.

Confirmed by Twilio's pages and its OpenAPI (2026): names of variables (16 characters, no blanks, numeric or not), 100
of them, samples that stand in for what a send leaves out; that only an approved template may open a conversation, and
that list pickers and locations never do (63016); that WhatsApp refuses a body which begins or ends with a variable, two
that touch, numbers that are not in sequence, and too few words for its variables (2x + 1 for x).

Not confirmed: whether 63040, 63041 and 63042 come as the create's refusal, as here, or by callback; by which code a sid
is refused that the account does not have (21655 here); what becomes of a variable that has neither value nor sample
(21656 here), or that the template does not have (nothing here); what an update does to an approval (nothing here);
how long a decision takes (a person gives it here, but what breaks the rules above is rejected at once); in which
states a template that is not approved may go in an open window (here all but rejected, paused and disabled); of which
of its types the text goes where the channel could show several (the first by name here).
"""

import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from services.simulator import errors, moments
from services.simulator.errors import Refusal

Status = Literal["unsubmitted", "received", "pending", "approved", "rejected", "paused", "disabled"]
TYPES = frozenset(
    {
        *(f"twilio/{name}" for name in ("text", "media", "location", "list-picker", "call-to-action", "quick-reply")),
        *(f"twilio/{name}" for name in ("card", "catalog", "carousel", "flows", "schedule")),
        *(f"whatsapp/{name}" for name in ("card", "authentication", "flows")),
    }
)
CATEGORIES = frozenset({"UTILITY", "MARKETING", "AUTHENTICATION"})
_ONLY_IN_SESSION = frozenset({"twilio/list-picker", "twilio/location"})
_MOST_VARIABLES = 100
_PLACEHOLDER = re.compile(r"\{\{([^{}]*)\}\}")
_NAME = re.compile(r"[^\s{}]{1,16}")
_TOUCHING = re.compile(r"\}\}\s*\{\{")
_STOPPED: Mapping[Status, Refusal] = {
    "rejected": errors.TEMPLATE_REJECTED,
    "paused": errors.TEMPLATE_PAUSED,
    "disabled": errors.TEMPLATE_DISABLED,
}


@dataclass(frozen=True)
class Approval:
    """What WhatsApp was asked, and what it said."""

    status: Status = "unsubmitted"
    name: str = ""
    category: str = ""
    content_type: str = ""
    rejection_reason: str = ""

    def resource(self) -> dict[str, Any]:
        return {
            "name": self.name, "category": self.category, "content_type": self.content_type, "status": self.status,
            "rejection_reason": self.rejection_reason, "allow_category_change": True,
        }  # fmt: skip


@dataclass(frozen=True)
class Template:
    """A Content resource. `variables`: name → sample; `types`: by content type what is in it."""

    sid: str
    account_sid: str
    friendly_name: str
    language: str
    variables: Mapping[str, str]
    types: Mapping[str, Any]
    created_at: datetime
    updated_at: datetime
    approval: Approval = Approval()

    @property
    def opens(self) -> bool:
        """Whether it may be sent by WhatsApp to somebody who has not written."""
        return self.approval.status == "approved" and not _ONLY_IN_SESSION.issuperset(self.types)

    @property
    def text(self) -> str:
        """All that is written in it."""
        return "\n".join(_texts(self.types))

    def body(self, given: Mapping[str, Any]) -> str:
        """Its text with these values; a sample stands in for what is left out."""
        values = {**self.variables, **given}
        body = next(_bodies({name: self.types[name] for name in sorted(self.types)}), "")
        return _PLACEHOLDER.sub(lambda place: str(values.get(place[1], "")), body)


class Templates:
    """By account what it has made. An account that has made none is held to have any: HX and 32 hex digits will do."""

    def __init__(self) -> None:
        self._found: dict[str, Template] = {}

    def clear(self) -> None:
        self._found.clear()

    def put(self, template: Template) -> None:
        self._found[template.sid] = template

    def remove(self, sid: str) -> None:
        self._found.pop(sid, None)

    def get(self, sid: str | None) -> Template | None:
        return self._found.get(sid or "")

    def of(self, account_sid: str) -> list[Template]:
        return [one for one in self._found.values() if one.account_sid == account_sid]

    def find(self, account_sid: str, sid: str) -> Template | None:
        found = self._found.get(sid)
        return found if found is not None and found.account_sid == account_sid else None

    def refuse(self, account_sid: str, sid: str | None, given: Mapping[str, Any], channel: str) -> Refusal | None:
        """Why a message may not be made of it. `given`: the variables of the send."""
        if sid is None or not self.of(account_sid):
            return None
        template = self.find(account_sid, sid)
        if template is None:
            return errors.INVALID_CONTENT_SID
        if channel == "whatsapp" and (stopped := _STOPPED.get(template.approval.status)):
            return stopped
        lacking = placeholders(template.types) - given.keys() - template.variables.keys()
        return errors.INVALID_CONTENT_VARIABLES if lacking else None


def made(account_sid: str, given: Mapping[str, Any], before: Template | None = None) -> Template | Refusal:
    """The resource that a request to create states, or to update one."""
    language = given.get("language") or (before.language if before else None)
    variables, types = given.get("variables", before.variables if before else {}), given.get("types")
    if not language or not isinstance(language, str):
        return errors.INVALID_PARAMETER.about("language")
    if not isinstance(types, dict) or not types or not TYPES.issuperset(types):
        return errors.INVALID_PARAMETER.about("types")
    if not isinstance(variables, dict) or not all(isinstance(one, str) for one in variables.values()):
        return errors.INVALID_PARAMETER.about("variables")
    names = placeholders(types) | variables.keys()
    if len(names) > _MOST_VARIABLES or not all(map(_NAME.fullmatch, names)):
        return errors.INVALID_CONTENT_VARIABLES
    now = moments.now()
    return Template(
        sid=before.sid if before else f"HX{secrets.token_hex(16)}",
        account_sid=account_sid,
        friendly_name=given.get("friendly_name", before.friendly_name if before else "") or "",
        language=language,
        variables=variables,
        types=types,
        created_at=before.created_at if before else now,
        updated_at=now,
        approval=before.approval if before else Approval(),
    )


def submitted(template: Template, given: Mapping[str, Any]) -> Template | Refusal:
    """The same, asked of WhatsApp. What its rules forbid it rejects at once; all else waits for somebody's word."""
    name, category = given.get("name"), given.get("category")
    if not isinstance(name, str) or not re.fullmatch(r"[a-z0-9_]{1,512}", name):
        return errors.INVALID_PARAMETER.about("name")
    if category not in CATEGORIES:
        return errors.INVALID_PARAMETER.about("category")
    if template.approval.status != "unsubmitted":
        return errors.SUBMITTED_BEFORE
    kind, why = max(template.types), unfit(template)
    approval = Approval("rejected" if why else "pending", name, category, kind, why or "")
    return replace(template, approval=approval)


def unfit(template: Template) -> str | None:
    """Why WhatsApp will not approve of it, where that can be told by rule."""
    if _ONLY_IN_SESSION.intersection(template.types):
        return "Templates of this type can't be submitted"
    for text in _bodies(template.types):
        count = len(_PLACEHOLDER.findall(text))
        if text.startswith("{{") or text.endswith("}}"):
            return "The body begins or ends with a variable"
        if _TOUCHING.search(text):
            return "Two variables are next to each other"
        if len(_PLACEHOLDER.sub(" ", text).split()) < 2 * count + 1 and count:
            return "There are too many variables for the length of the message"
    names = placeholders(template.types)
    if names and all(name.isdigit() for name in names) and names != {str(one + 1) for one in range(len(names))}:
        return "Variables must be sequential"
    return "Every variable needs a sample" if names - template.variables.keys() else None


def placeholders(types: Mapping[str, Any]) -> set[str]:
    """The names between braces, wherever they stand; an authentication template has its code as `1`."""
    found = {name for text in _texts(types) for name in _PLACEHOLDER.findall(text)}
    return found | ({"1"} if "whatsapp/authentication" in types else set())


def _texts(found: Any) -> Iterator[str]:
    if isinstance(found, str):
        yield found
    for one in found.values() if isinstance(found, Mapping) else found if isinstance(found, list) else ():
        yield from _texts(one)


def _bodies(types: Mapping[str, Any]) -> Iterator[str]:
    return (one["body"] for one in types.values() if isinstance(one, Mapping) and isinstance(one.get("body"), str))
