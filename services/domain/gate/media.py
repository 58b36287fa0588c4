"""Media that the message is to carry: what stands against them, and whether a link goes in their place."""

from typing import Literal

from services.domain.clock import later
from services.domain.gate.conditions import MEDIA, media_of
from services.domain.gate.question import Question
from services.domain.gate.view import View
from services.domain.gate.windows import as_template
from services.domain.outbox.verdicts import Verdict

# What finds no place among the looks.
_AGAIN_S = 10.0


def as_link(question: Question, view: View) -> bool:
    """Whether its text goes with a link in place of its media: they are not taken there, and it may."""
    if question.media is None or question.link is None or as_template(question, view):
        return False
    if view.unreachable is not None and view.unreachable.why == "no_mms":
        return True
    faults = [one for one in view.media if one.fault and one.again_at is None]
    # What nobody can fetch by its URL is no link either.
    return bool(faults) and (question.link == "other" or all(one.of == "content" for one in faults))


def picked(question: Question, view: View) -> Literal["freeform", "template", "link"] | None:
    """Of a command that has both, which of them goes; or a link in place of its media."""
    if as_link(question, view):
        return "link"
    if not (question.template and question.freeform):
        return None
    return "template" if as_template(question, view) else "freeform"


def unfit_media(question: Question, view: View) -> Verdict | None:
    """What Twilio or the channel would not take of them."""
    if question.media is None or as_template(question, view) or as_link(question, view):
        return None
    if view.media_look is not None:
        return _unseen(question, view)
    faults = [one for one in view.media if one.fault]
    if not faults:
        return None
    told = "; ".join(f"media_urls[{one.place}] ({one.host}) {one.fault}" for one in faults)
    again = [one.again_at for one in faults]
    if any(at is None for at in again):
        return Verdict(
            "blocked",
            MEDIA,
            told,
            "Correct the media, or give media_fallback so that the text goes with a link; then produce a new command.",
        )
    until = max(min(at for at in again if at is not None), later(view.now, 1.0))
    return Verdict(
        "deferred",
        MEDIA,
        told,
        f"They are looked at again at {until}; it goes once they are found, or expires at its not_after.",
        until=until,
    )


def _unseen(question: Question, view: View) -> Verdict:
    waits = view.media_look == "waits"
    return Verdict(
        "deferred",
        MEDIA,
        "its media are being looked at",
        "It goes by itself once they were found, or expires at its not_after.",
        until=later(view.now, _AGAIN_S) if waits else None,
        condition=None if waits else media_of(question.contact, question.media or ""),
    )
