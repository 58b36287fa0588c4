"""Whether it is the time: of the command, of its lane, of the person."""

from services.domain.gate.purposes import counted_as
from services.domain.gate.question import Question
from services.domain.gate.view import View
from services.domain.outbox.pauses import paused
from services.domain.outbox.verdicts import Verdict, early, expired

# Of the zones in which somebody may be, in words.
_ZONES_NAMED = 3


def early_or_late(question: Question, view: View) -> Verdict | None:
    """Its own times: not_before and not_after."""
    if view.now > question.not_after:
        return expired(question.not_after)
    return early(question.not_before) if question.not_before and view.now < question.not_before else None


def stopped(_: Question, view: View) -> Verdict | None:
    """A pause of its lane, then one of its label."""
    if view.stopped is not None:
        return paused(view.stopped)
    return None if view.paused is None else paused(view.paused, f"pause {view.paused.scope}")


def at_night(question: Question, view: View) -> Verdict | None:
    """A person who has just said STOP or START is awake."""
    quiet = view.quiet
    if quiet is None or question.confirms:
        return None
    where = ", ".join(quiet.zones[:_ZONES_NAMED]) + (" …" if len(quiet.zones) > _ZONES_NAMED else "")
    if quiet.never:
        return Verdict(
            "blocked",
            "quiet_hours",
            f"there is no time at which it is day everywhere where the person may be: {where}"
            if where
            else "nobody knows in which time zone the person is",
            "Give their country its own quiet_hours.countries, or take the purpose off quiet_hours.purposes.",
        )
    if quiet.until is None:
        return None
    return Verdict(
        "deferred",
        "quiet_hours",
        f"it is night where the person may be ({where}), until {quiet.until}",
        "It goes by itself then, or expires at its not_after.",
        until=quiet.until,
    )


def too_often(question: Question, view: View) -> Verdict | None:
    meant = counted_as(question, view)
    if view.capped is None or meant is None:
        return None
    cap, until = view.capped.cap, view.capped.until
    if view.capped.uncounted:
        return Verdict(
            "deferred",
            "frequency",
            f"so many commands for the person are remembered that the {meant} messages among them are not counted",
            f"It is looked at again at {until}, or expires at its not_after.",
            until=until,
        )
    days = "a day" if cap.days == 1 else f"{cap.days:g} days"
    return Verdict(
        "deferred",
        "frequency",
        f"the person has had {cap.messages} {meant} message{'s' if cap.messages > 1 else ''} within {days}",
        f"It goes by itself at {until}, or expires at its not_after.",
        until=until,
    )
