"""The gate: may this command be attempted now? Pure and total; the same question gets the same verdict."""

from typing import Literal

import msgspec

from services.domain.messages.commands import CommandAccepted


class View(msgspec.Struct, frozen=True, kw_only=True):
    """What the sender knows when it decides. Suppression and the 24-hour window of the contact join here."""

    now: str
    tenant_known: bool = True
    allowed_senders: frozenset[str] = frozenset()


class Verdict(msgspec.Struct, frozen=True):
    """`reason` says in words what stood against it; empty when allowed."""

    decision: Literal["allow", "blocked", "expired"]
    reason: str = ""
    remedy: str = ""


ALLOW = Verdict("allow")


def decide(command: CommandAccepted, view: View) -> Verdict:
    """Judge one command. `expired` and `blocked` are final."""
    if view.now > command.not_after:
        return Verdict(
            "expired",
            f"not_after {command.not_after} has passed",
            "Produce it earlier, or give it a later not_after.",
        )
    if not view.tenant_known:
        return Verdict(
            "blocked",
            f"the tenant {command.tenant} is no longer configured",
            "Configure it again, then produce a new command.",
        )
    if view.allowed_senders and command.sender not in view.allowed_senders:
        return Verdict(
            "blocked",
            f"the tenant may not send from {command.sender}",
            "Add it to the tenant's allowed_senders, or send from one listed there.",
        )
    return ALLOW
