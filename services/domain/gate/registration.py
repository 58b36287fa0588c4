"""Whether carriers let its sender write there, and whether it fits what was registered.

A registration that somebody has to make, or to make anew, blocks: nothing changes by itself, and the producer should
know at once. One that is looked at, or was suspended, defers: others decide it, maybe within the hour, and not_after
says how long the command is worth it.
"""

from collections.abc import Mapping

from services.domain.compliance.concerns import Kind
from services.domain.compliance.registry import said
from services.domain.gate.conditions import registration_of
from services.domain.gate.question import Question
from services.domain.gate.view import View
from services.domain.outbox.verdicts import Verdict

_BY_SYNC = "once the poller, or `switchboard compliance sync`, has read that it may"
_REMEDY = {
    "long_code": "Send from another, or add it to a Messaging Service with an approved US A2P 10DLC campaign",
    "toll_free": "Send from another, or have it verified in Twilio's console",
}

_CAMPAIGN = (
    "campaign",
    "Send it by a campaign that is registered for it; or set compliance.mismatch to told, and it goes with a warning.",
)
_COUNTRY = (
    "country",
    "Send from another sender, or as the country asks for it; what is not so for you, say in compliance.countries.",
)
_STOP_TEXT = (
    "stop_text",
    "Say in it how to stop, such as Reply STOP to opt out; or have that appended: compliance.first_message.",
)
_HELP_TEXT = (
    "help_text",
    "Say in it where help is, such as Reply HELP for help; or have that appended: compliance.first_message.",
)
# By what does not fit: the rule, and what to do.
_MISFITS: Mapping[Kind, tuple[str, str]] = {
    **dict.fromkeys(("registration", "purpose", "link", "phone"), _CAMPAIGN),
    **dict.fromkeys(("sender", "opt_in", "mms"), _COUNTRY),
    "stop_text": _STOP_TEXT,
    "help_text": _HELP_TEXT,
}


def unregistered(_: Question, view: View) -> Verdict | None:
    """What Twilio would end with 30034 or 30032 until a person has done something about it."""
    unfit = view.unfit
    if unfit is None or unfit.state not in ("unregistered", "refused"):
        return None
    return Verdict("blocked", "registration", said(unfit), f"{_REMEDY[unfit.kind]}; then by a new command, {_BY_SYNC}.")


def registering(question: Question, view: View) -> Verdict | None:
    """What Twilio would end with 30033 to 30035, or 30032, until others have decided."""
    if view.unfit is None:
        return None
    return Verdict(
        "deferred",
        "registration",
        said(view.unfit),
        f"It goes by itself {_BY_SYNC}, or expires at its not_after. {_REMEDY[view.unfit.kind]}.",
        condition=registration_of(question.tenant, view.registry_version),
    )


def misfit(_: Question, view: View) -> Verdict | None:
    """What is told of it and the tenant wants blocked."""
    found = next((one for one in view.concerns if one.blocks), None)
    if found is None:
        return None
    rule, remedy = _MISFITS[found.kind]
    return Verdict("blocked", rule, found.told, remedy)
