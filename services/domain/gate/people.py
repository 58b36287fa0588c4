"""Whether the person may be written to: what of theirs is unread, what they agreed to, what may have been a no."""

from services.domain.clock import seconds_between
from services.domain.consent.events import Suppression
from services.domain.consent.refusals import LEFT
from services.domain.gate.conditions import hold_of, suspected_of
from services.domain.gate.purposes import purpose
from services.domain.gate.question import Question
from services.domain.gate.view import View
from services.domain.gate.windows import WINDOW_S, as_template
from services.domain.outbox.verdicts import Verdict

_DAY_S = 86_400.0


def unread(question: Question, view: View) -> Verdict | None:
    """Before consent and windows: what is unread may be a yes too, or a message."""
    if view.held is None or question.confirms == "stop":
        return None
    return Verdict(
        "deferred",
        "hold",
        f"something of the recipient's at {view.held.since} could not be read, and may have been a no: "
        f"{view.held.evidence}",
        "Retry or drop its dead letter (switchboard dead); it then goes on by itself, or expires at its not_after.",
        condition=hold_of(question.contact),
    )


def no_consent(question: Question, view: View) -> Verdict | None:
    """A no that reaches this sender stands before any yes; only the answer to a STOP goes all the same."""
    if question.confirms == "stop":
        # The one answer that a STOP is owed.
        return None
    if stopped := {scope: why for scope, why in view.suppressed.items() if _holds(why, question, view)}:
        scope, since = min(stopped.items())
        return Verdict(
            "blocked",
            "suppressed",
            f"the recipient opted out of {scope} at {since.since} ({since.source}){_through(scope, question, view)}",
            "Do not write to them; a START, or a recorded opt-in after that time, lifts it.",
        )
    rules = view.rules
    if rules.consent_for == "nothing" or (
        rules.consent_for == "templates" and not (question.unseen or as_template(question, view))
    ):
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


def _holds(why: Suppression, question: Question, view: View) -> bool:
    """What WhatsApp keeps for a person stops nothing elsewhere, and no answer to what they wrote since."""
    if why.source not in LEFT:
        return True
    if question.channel != "whatsapp":
        return False
    wrote_since = view.window_until is not None and seconds_between(why.since, view.window_until) > WINDOW_S
    return question.unseen or as_template(question, view) or not wrote_since


def _through(scope: str, question: Question, view: View) -> str:
    """By which memberships an opt-out from elsewhere holds here."""
    if scope in question.scopes or not view.memberships:
        return ""
    told = "; ".join(f"{one.sender} is in {one.service} since {one.since} ({one.by})" for one in view.memberships)
    return f", which holds for the whole service: {told}"


def undecided(question: Question, view: View) -> Verdict | None:
    """Behind all that is final: what never may go does not wait."""
    if view.rules.suspected != "defer_marketing" or purpose(question, view) != "marketing" or not view.suspected:
        return None
    scope, found = min(view.suspected.items())
    return Verdict(
        "deferred",
        "suspected_opt_out",
        f"a message of the recipient to {scope} at {found.since} looks like an opt-out, and nobody has decided: "
        f"{found.evidence}",
        "Read it, then decide by a consent command: opt_out, or dismiss with its message_sid (switchboard contact).",
        condition=suspected_of(question.contact, view.statements_version),
    )
