"""The gate: may this command be attempted now? Pure and total; the same question gets the same verdict.

Question and view hold all that is looked at, and nothing else: kept together they are a receipt, from which anyone can
judge again.
"""

from typing import Literal

import msgspec

from services.domain.clock import seconds_between
from services.domain.consent.events import Suppression

# A window counts from when the person wrote; we know when we heard of it, a little later.
WINDOW_MARGIN_S = 30.0
_DAY_S = 86_400.0

Rule = Literal["not_after", "tenant", "allowed_senders", "suppressed", "no_consent", "stale_consent", "window_closed"]


class ConsentRules(msgspec.Struct, frozen=True, kw_only=True):
    """What a tenant asks for, in the recipient's country. `version` tells one set of rules from another.

    `stop_reaches`: what a STOP to one sender stops. `consent_for`: which messages need a recorded yes, not older than
    `consent_days` where that is set.
    """

    version: str = ""
    stop_reaches: Literal["sender", "tenant"] = "sender"
    consent_for: Literal["nothing", "templates", "everything"] = "nothing"
    consent_days: float | None = None


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked at of a command. `scopes`: of its sender and Messaging Service."""

    tenant: str
    channel: str
    sender: str
    scopes: list[str]
    template: bool
    not_after: str
    country: str | None = None
    confirms: Literal["stop", "start"] | None = None


class View(msgspec.Struct, frozen=True, kw_only=True):
    """What the sender knows when it decides.

    `suppressed`: by scope, those that matter for the question. `consent_at`, `consent_evidence`: the latest recorded
    yes. `window_until`: how long one may write freely by WhatsApp.
    """

    now: str
    tenant_known: bool = True
    sender_allowed: bool = True
    rules: ConsentRules = ConsentRules()
    suppressed: dict[str, Suppression] = {}
    consent_at: str | None = None
    consent_evidence: str | None = None
    window_until: str | None = None


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What a verdict was made of. `offsets`: topic → the offset up to which the contact's partition was read."""

    question: Question
    view: View
    offsets: dict[str, int]


class Verdict(msgspec.Struct, frozen=True):
    """`rule` names what stood against it, `reason` says it in words; both empty when allowed."""

    decision: Literal["allow", "blocked", "expired"]
    rule: Rule | None = None
    reason: str = ""
    remedy: str = ""


ALLOW = Verdict("allow")


def decide(question: Question, view: View) -> Verdict:
    """Judge one command. `expired` and `blocked` are final."""
    rules = (_time, _sender, _consent, _window)
    return next((verdict for rule in rules if (verdict := rule(question, view))), ALLOW)


def _time(question: Question, view: View) -> Verdict | None:
    return expired(question.not_after) if view.now > question.not_after else None


def expired(not_after: str) -> Verdict:
    """The verdict on a command whose time is over."""
    return Verdict(
        "expired",
        "not_after",
        f"not_after {not_after} has passed",
        "Produce it earlier, or give it a later not_after.",
    )


def _sender(question: Question, view: View) -> Verdict | None:
    if not view.tenant_known:
        return Verdict(
            "blocked",
            "tenant",
            f"the tenant {question.tenant} is no longer configured",
            "Configure it again, then produce a new command.",
        )
    if not view.sender_allowed:
        return Verdict(
            "blocked",
            "allowed_senders",
            f"the tenant may not send from {question.sender}",
            "Add it to the tenant's allowed_senders, or send from one listed there.",
        )
    return None


def _consent(question: Question, view: View) -> Verdict | None:
    if question.confirms == "stop":
        # The one answer that a STOP is owed.
        return None
    if view.suppressed:
        scope, since = min(view.suppressed.items())
        return Verdict(
            "blocked",
            "suppressed",
            f"the recipient opted out of {scope} at {since.since} ({since.source})",
            "Do not write to them; a START, or a recorded opt-in after that time, lifts it.",
        )
    rules = view.rules
    if rules.consent_for == "nothing" or (rules.consent_for == "templates" and not question.template):
        return None
    if view.consent_at is None:
        return Verdict(
            "blocked",
            "no_consent",
            "no opt-in of the recipient is recorded",
            "Record it, with its proof, on twilio.consent.commands.v1.",
        )
    age_days = seconds_between(view.consent_at, view.now) / _DAY_S
    if rules.consent_days is not None and age_days > rules.consent_days:
        return Verdict(
            "blocked",
            "stale_consent",
            f"the recipient's opt-in of {view.consent_at} is older than {rules.consent_days:g} days",
            "Ask again, and record the answer on twilio.consent.commands.v1.",
        )
    return None


def _window(question: Question, view: View) -> Verdict | None:
    if question.channel != "whatsapp" or question.template:
        return None
    if view.window_until is not None and seconds_between(view.now, view.window_until) > WINDOW_MARGIN_S:
        return None
    told = f"it closed at {view.window_until}" if view.window_until else "the recipient has not written to this sender"
    return Verdict(
        "blocked",
        "window_closed",
        f"no 24-hour WhatsApp window is open: {told}",
        "Send an approved template (content_sid); freeform may follow once they answer.",
    )
