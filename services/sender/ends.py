"""What an operator sees of commands: each step counted; and of those that end otherwise than well, of a tenant and a
kind, one line a second in the log, numbers masked there. The results name each of them."""

import logging
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, ParamSpec, TypeVar

from prometheus_client import Counter

from services.domain.messages.ladder import RANK
from services.domain.results import CommandResult
from services.runtime.sparing import Sparing, and_more
from services.sender.metrics import SENDER

P = ParamSpec("P")
A = TypeVar("A")

_log = logging.getLogger(__name__)

RESULTS = Counter(
    "switchboard_results_total",
    "Steps of commands, as the results tell them; a flush that is folded again counts again",
    ["step", "status", "category"],
    registry=SENDER,
)
_WELL = frozenset({"sent", "recorded"})
# A flood of commands is refused at thousands a second.
_sparing = Sparing()


# As many as there are of it on the page of metrics.
counted = cache(RESULTS.labels)


def of_fold(answer: tuple[Any, Sequence[Any]]) -> Sequence[Any]:
    """What a fold tells, beside its state."""
    return answer[1]


def of_refusal(answer: Sequence[Any]) -> Sequence[Any]:
    """What is told of something that is no command at all."""
    return answer


def logged(step: Callable[P, A], told: Callable[[A], Sequence[Any]]) -> Callable[P, A]:
    """The same step; the ends among what it tells are logged too. A flush that is folded again logs them again."""

    def logging_step(*args: P.args, **named: P.kwargs) -> A:
        answer = step(*args, **named)
        for one in told(answer):
            if isinstance(one, CommandResult):
                _tell(one)
        return answer

    return logging_step


def _tell(result: CommandResult) -> None:
    status = result.message_status or ""
    counted(result.step, status if not status or status in RANK else "other", result.category or "").inc()
    if not result.terminal or result.step in _WELL:
        return
    if (kept_back := _sparing.kept_back((result.tenant, result.step, result.category))) is None:
        return
    code = f", code {result.code}" if result.code else ""
    code += f", Twilio's request {result.twilio_request_id}" if result.twilio_request_id else ""
    _log.info(
        "command %s of tenant %s ended %s (%s%s): %s. %s%s",
        result.command_id,
        result.tenant or "?",
        result.step,
        result.category or "no category",
        code,
        result.reason or "no reason was given",
        result.remedy or "",
        and_more(kept_back),
    )
