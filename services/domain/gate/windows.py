"""Whether one may write freely to the person now, and whether a template goes."""

from services.domain.addresses import WINDOWED
from services.domain.clock import seconds_between
from services.domain.gate.question import Question
from services.domain.gate.view import View
from services.domain.outbox.verdicts import Verdict

# A window counts from when the person wrote; we know when we heard of it, a little later.
WINDOW_MARGIN_S = 30.0
# How long one may write freely from the person's last word on.
WINDOW_S = 86_400.0


def as_template(question: Question, view: View) -> bool:
    """Whether it goes as its template: where it has nothing else, or the window for that is closed."""
    return question.template and not (question.freeform and is_open(question, view))


def is_open(question: Question, view: View) -> bool:
    """Whether one may write freely now."""
    if question.channel not in WINDOWED:
        return True
    left_s = seconds_between(view.now, view.window_until) if view.window_until else 0.0
    return view.window_refused_at is None and left_s > WINDOW_MARGIN_S


def no_window(question: Question, view: View) -> Verdict | None:
    """By Messenger nothing opens a conversation but the person."""
    if is_open(question, view) or (question.template and question.channel != "messenger"):
        return None
    told, remedy = _closed(question, view)
    channel = "Messenger" if question.channel == "messenger" else "WhatsApp"
    return Verdict("blocked", "window_closed", f"no 24-hour {channel} window is open: {told}", remedy)


def _closed(question: Question, view: View) -> tuple[str, str]:
    """Why no window is open, and what to do about it."""
    remedy = "Send an approved template (template, content_sid); freeform may follow once they answer."
    if question.channel == "messenger":
        remedy = "Wait until they write again: Messenger takes nothing before."
    if view.window_unknown:
        senders = ", ".join(view.window_unknown)
        return (
            f"the recipient wrote to {senders}, and whether that is in {question.sender} is not known",
            "Run `switchboard senders apply`, or name the sender in from; or send a template.",
        )
    if view.window_refused_at:
        return f"Twilio ended a message of {view.window_refused_at} with 63016, and they have not written since", remedy
    if view.window_until:
        return f"it closed at {view.window_until}", remedy
    ours = f"any sender of {question.sender}" if question.sender.startswith("MG") else "this sender"
    return f"the recipient has not written to {ours}", remedy
