"""What Twilio's list of content templates says, and what is news in it."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple

from services.domain.news import listed_at, news
from services.domain.templates.events import STOPPED, TemplateStated
from services.domain.templates.placeholders import placeholders

# An account has at most 6,000 that WhatsApp approved, says Twilio, and any number of others. Every sender holds all of
# them in memory, so there is an end.
MOST_TEMPLATES = 20_000
_LONGEST = 2000
# What goes where a channel can show nothing richer, so by SMS.
_TEXT = "twilio/text"


class Change(NamedTuple):
    """`stopped`: WhatsApp has rejected, paused or disabled it since the list before."""

    kind: Literal["new", "changed", "stopped", "gone"]
    fact: TemplateStated


def stated(tenant: str, resource: Mapping[str, Any], at: str) -> TemplateStated:
    """A Content resource with its approval, as `/v1/ContentAndApprovals` lists it. What it lacks is empty."""
    approval = resource.get("approval_requests")
    approval = approval if isinstance(approval, Mapping) else {}
    types = resource.get("types")
    types = types if isinstance(types, Mapping) else {}
    one = TemplateStated(
        event_id="",
        tenant=tenant,
        content_sid=_text(resource.get("sid")),
        at="",
        name=_text(approval.get("name")) or _text(resource.get("friendly_name")),
        language=_text(resource.get("language")),
        state=_text(approval.get("status")) or "unsubmitted",
        category=_text(approval.get("category")) or None,
        reason=_text(approval.get("rejection_reason")) or None,
        types=sorted(map(str, types)),
        placeholders=placeholders(types),
        body=_body(types),
        updated_at=_text(resource.get("date_updated")) or None,
    )
    return listed_at(one, "template_stated", tenant, at)


def changes(before: Mapping[str, TemplateStated], listed: Iterable[TemplateStated]) -> list[Change]:
    """What is news, by name and language. `before`: by content sid, what the log holds of the same tenant."""
    now = {one.content_sid: one for one in listed}
    found = news(before, now, lambda one: Change("gone", one), lambda was, one: Change(_kind(was, one), one))
    return sorted(found, key=lambda change: (change.fact.name, change.fact.language, change.fact.content_sid))


def _kind(was: TemplateStated | None, one: TemplateStated) -> Literal["new", "changed", "stopped"]:
    if one.state in STOPPED and (was is None or was.state != one.state):
        return "stopped"
    return "changed" if was else "new"


def _body(types: Mapping[str, Any]) -> str | None:
    first = sorted(types.items(), key=lambda named: (named[0] != _TEXT, named[0]))
    bodies = (one.get("body") for _, one in first if isinstance(one, Mapping))
    return next((body[:_LONGEST] for body in bodies if isinstance(body, str) and body), None)


def _text(value: Any) -> str:
    # As it can be written to the log, and not without end.
    return str(value)[:_LONGEST].encode("utf-8", "replace").decode() if value is not None else ""
