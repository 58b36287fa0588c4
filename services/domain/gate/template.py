"""What Twilio or WhatsApp would refuse of a template."""

from services.domain.gate.question import Question
from services.domain.gate.view import TemplateSeen, View
from services.domain.gate.windows import as_template, is_open
from services.domain.outbox.verdicts import Verdict


def unfit_template(question: Question, view: View) -> Verdict | None:
    """What Twilio or WhatsApp would refuse of the template. Of a sid that nobody has listed nothing can be said."""
    if not as_template(question, view) or (view.template is None and question.template_name is None):
        return None
    if view.template is None:
        return Verdict("blocked", "template", _unknown(question, view), "Name one of `switchboard templates list`.")
    template = view.template
    called = f"the template {template.name} ({template.language}, {template.content_sid})"
    if question.channel == "whatsapp" and (why := _unfit(template, is_open(question, view))):
        return Verdict(
            "blocked",
            "template",
            f"{called} {why}",
            "Send another template by a new command; or this one, once the poller, or `switchboard templates sync`, "
            "has read that it may go.",
        )
    if not template.faults:
        return None
    return Verdict(
        "blocked",
        "template",
        f"{called} does not fit its variables: {'; '.join(template.faults)}",
        "Correct content_variables: `switchboard templates show` says what each placeholder stands for.",
    )


# Whom WhatsApp has stopped, it takes in no window.
_STOPPED = ("rejected", "paused", "disabled")


def _unfit(template: TemplateSeen, window_open: bool) -> str | None:
    """Why WhatsApp does not take it."""
    if template.state in _STOPPED:
        return f"is {template.state} by WhatsApp"
    if template.state != "approved" and (template.only_approved or not window_open):
        return f"is not approved by WhatsApp, but {template.state}"
    if not template.opens and not window_open:
        return "is of a type that opens no conversation, and no 24-hour window is open"
    return None


def _unknown(question: Question, view: View) -> str:
    asked = f" in {question.template_language}" if question.template_language else ""
    found = ", ".join(f"{language}: {state}" for language, state in view.template_languages.items())
    told = f"there is {found}" if found else "there is none of this name"
    return f"no template {question.template_name}{asked} fits: {told}"
