"""Whether anything arrives at the number."""

from services.domain.gate.conditions import LOOKUP, lookup_of
from services.domain.gate.media import as_link
from services.domain.gate.question import Question
from services.domain.gate.view import View
from services.domain.outbox.verdicts import Verdict
from services.domain.reachability import Unreachable


def unreachable(question: Question, view: View) -> Verdict | None:
    """Who has just written can be reached, whatever failed before."""
    found = view.unreachable
    if found is not None and found.why == "deactivated":
        return None if question.confirms or (view.consent_at or "") > found.last_at else _taken_back(found)
    if found is None or question.although_unreachable or question.confirms:
        return None
    if found.why == "no_mms" and as_link(question, view):
        return None
    codes = ", ".join(map(str, found.codes))
    told = {
        "failures": f"the last {found.failures} messages did not reach it ({codes}), the latest at {found.last_at}",
        "landline": f"it is a landline, or takes no texts ({codes or 'says Lookup'}, at {found.last_at})",
        "no_mms": f"it takes no MMS ({codes} at {found.last_at})",
    }
    instead = "Send it as SMS with a link" if found.why == "no_mms" else "Use another channel or number"
    return Verdict(
        "blocked",
        "unreachable",
        f"the number is left alone by {question.channel} until {found.until}: {told[found.why]}",
        f"{instead}. What arrives there, or a message of theirs, ends it at once; what must be tried all the same says "
        "although_unreachable.",
    )


def looked_up(question: Question, view: View) -> Verdict | None:
    """It waits for what Twilio's Lookup says of the number, where its tenant wants that."""
    if view.looked_up:
        return None
    return Verdict(
        "deferred",
        LOOKUP,
        "Twilio is asked whether the number is a landline",
        "Nothing is to be done: it goes on with the answer, or without one after lookup.wait_s.",
        condition=lookup_of(question.contact),
    )


def _taken_back(found: Unreachable) -> Verdict:
    return Verdict(
        "blocked",
        "deactivated",
        f"a carrier took the number back by {found.last_at[:10]}: it may be somebody else's by now",
        "Ask the person for their number. A message from there ends it, and so does an opt-in of a later date.",
    )
