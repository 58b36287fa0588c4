"""What the gate decided about a command, and what it says now of the same request and context."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from services.domain.gate.decide import decide
from services.domain.gate.receipt import Receipt
from services.domain.outbox.pauses import EVERYTHING, ROW
from services.domain.outbox.verdicts import Verdict
from services.operations.asking import ask

# A step of a command, by the verdict that made it.
_DECIDED = {"attempted": "allow", "blocked": "blocked", "expired": "expired", "deferred": "deferred"}


class Again(NamedTuple):
    """A verdict that was asked for again. `same`: it is the one of then."""

    receipt: Receipt
    verdict: Verdict
    same: bool


def decided(command: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """The steps of a command, as a processor tells it, that the gate decided."""
    return [step for step in command["steps"] if step["step"] in _DECIDED] if command else []


def is_open(command: Mapping[str, Any] | None) -> bool:
    """Is it known, and has it not ended?"""
    return command is not None and not any(step.get("terminal") for step in command["steps"])


def judge_again(step: Mapping[str, Any]) -> Again | None:
    """What the gate says now; None where another version wrote the receipt. The step has one."""
    try:
        receipt = msgspec.convert(step["receipt"], Receipt)
    except msgspec.ValidationError:
        return None
    verdict = decide(receipt.question, receipt.view)
    same = verdict.decision == _DECIDED[step["step"]] and verdict.rule == step["category"]
    return Again(receipt, verdict, same)


def standing_pauses(base: str, tenant: str) -> list[dict[str, Any]]:
    """The pauses that stand now and may hold a command of this tenant. Raises NoAnswer, NotFolded."""
    found = ask(base, "pauses", ROW) or {"pauses": []}
    return [one for one in found["pauses"] if one["scope"] == EVERYTHING or one["scope"].split(" ")[1] == tenant]
