"""Whether the tenant wants to pay for it."""

from services.domain.clock import later
from services.domain.gate.question import Question
from services.domain.gate.view import View
from services.domain.outbox.verdicts import Verdict
from services.domain.spend.budgets import Overspent

_PRICES_AGAIN_S = 30.0


def over_budget(question: Question, view: View) -> Verdict | None:
    """The answer to a STOP or START is owed whatever it costs."""
    over = view.overspent
    if over is None or question.confirms:
        return None
    whose = f"label {over.label}" if over.label is not None else f"tenant {question.tenant}"
    if over.why == "spent":
        return _spent(over, whose)
    if over.why == "unread":
        return _unread(whose, later(view.now, _PRICES_AGAIN_S))
    return _unpriced(over, whose, unseen=question.unseen and over.why == "unpriced")


def _spent(over: Overspent, whose: str) -> Verdict:
    return Verdict(
        "blocked",
        "budget",
        f"the budget of {whose} for the day is {over.budget} {over.currency}; of this partition's share of it, "
        f"{over.share}, {over.spent} is spent, and this would cost up to {over.estimate}; the day ends at "
        f"{over.until} ({over.zone})",
        "Produce it as a new command once the day is over, or raise the amount in the tenant's spend.budgets.",
    )


def _unread(whose: str, until: str) -> Verdict:
    return Verdict(
        "deferred",
        "prices",
        f"the price list is not read yet, and there is a budget of {whose}",
        f"It is looked at again at {until}, or expires at its not_after; /readyz of the sender says why.",
        until=until,
    )


def _unpriced(over: Overspent, whose: str, *, unseen: bool) -> Verdict:
    if unseen:
        return Verdict(
            "blocked",
            "budget",
            f"what a flow sends is not known before, and the budget of {whose} for the day, {over.budget} "
            f"{over.currency}, is not to be exceeded",
            "Give spend.budgets amounts by labels that no execution has, none for all; or set spend.unpriced to taken, "
            "which lets go all that has no price. Then produce it as a new command.",
        )
    known = f"only as {over.estimate}" if over.why == "currency" else "not"
    return Verdict(
        "blocked",
        "budget",
        f"what this costs is {known} known, and the budget of {whose} for the day, {over.budget} {over.currency}, is "
        "not to be exceeded",
        "Run `switchboard prices sync`, give its channel a price in spend.assumed, or set spend.unpriced to taken; "
        "then produce it as a new command.",
    )
