"""The walk through all checks: the first that stands against a command is the verdict."""

from services.domain.gate import media, money, people, reach, registration, template, tenant, times, windows
from services.domain.gate.question import Question
from services.domain.gate.view import View
from services.domain.outbox.verdicts import ALLOW, Verdict

_TO_WRITE = (
    times.early_or_late,
    times.stopped,
    tenant.no_tenant,
    tenant.foreign_sender,
    tenant.unlisted_recipient,
    people.unread,
    people.no_consent,
    windows.no_window,
    template.unfit_template,
    registration.unregistered,
    registration.misfit,
    reach.unreachable,
    # Behind all that is final: what never may go does not wait.
    people.undecided,
    registration.registering,
    times.at_night,
    times.too_often,
    # Of what waits for the morning the media are judged then: signed URLs end.
    media.unfit_media,
    money.over_budget,
    # The last that ends a command: who is stopped by it alone would have been written to.
    tenant.rehearsed,
    # What costs money is asked only of what goes else.
    reach.looked_up,
)
# What is asked of acts that write to nobody. Whoever gets nothing of it need not have agreed.
_TO_SHOW_A_SIGN = (
    times.early_or_late,
    times.stopped,
    tenant.no_tenant,
    tenant.unlisted_recipient,
    people.unread,
    people.no_consent,
    tenant.rehearsed,
)
_TO_CHANGE_A_RECORD = (times.early_or_late, times.stopped, tenant.no_tenant, tenant.rehearsed)
_CHECKS = {"message": _TO_WRITE, "sign": _TO_SHOW_A_SIGN, "record": _TO_CHANGE_A_RECORD}


def decide(question: Question, view: View) -> Verdict:
    """Judge one command. `expired` and `blocked` are final; what is deferred is judged again."""
    for check in _CHECKS[question.act]:
        if verdict := check(question, view):
            return verdict
    return ALLOW
