"""Checking a history, promise by promise."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from services.checker.facts import Facts
from services.checker.finding import Finding, Looking
from services.checker.history import History
from services.checker.promises import (
    clocks,
    counted,
    creates,
    dead,
    delivery,
    ids,
    keys,
    once,
    optouts,
    order,
    people,
    results,
    sent,
    sessions,
    told,
    waiting,
    webhooks,
    windows,
)

__all__ = ["PROMISES", "Finding", "Promise", "check"]

_NO_WITNESS = "cannot be seen from the log alone: it takes what Twilio saw"


class Promise(NamedTuple):
    """A promise in a sentence, and what looks at it. `by_witness`: the log alone cannot show it."""

    sentence: str
    look: Callable[[Facts], Looking]
    by_witness: bool = False


PROMISES = (
    Promise("each webhook that was acknowledged is on the log, and no other", webhooks.look, by_witness=True),
    Promise("the same fact has the same id, no other fact has it", ids.look),
    Promise("each derived event stands once", once.look),
    Promise("each command has one terminal result, or is openly ambiguous", results.look),
    Promise("its results tell how its message ended, and answer each record of it", told.look),
    Promise("at most one create at Twilio per command, none for one that was not sent", creates.look, by_witness=True),
    Promise("what was sent is told as a message", sent.look),
    Promise("nothing is created for who had opted out before", optouts.look, by_witness=True),
    Promise("no free text by WhatsApp outside of its window", windows.look, by_witness=True),
    Promise("each message stands where its facts put it, by steps that only go forward", delivery.look),
    Promise("each message is counted once, where it stands", counted.look),
    Promise("who may be written to follows from what was said", people.look),
    Promise("windows are open until 24 hours after the last message", sessions.look),
    Promise("one person has one key, one key has one partition", keys.look),
    Promise("commands of one contact are created in their order", order.look, by_witness=True),
    Promise("nothing is tried before its time, nor while it is paused", waiting.look),
    Promise("what was accepted is dated no later than it was written", clocks.look),
    Promise("what cannot be decoded is a dead letter, and nothing else is", dead.look),
)


def check(history: History, promises: Iterable[Promise] = PROMISES) -> list[Finding]:
    """What each of the promises came to, in their order."""
    facts = Facts(history)
    return [_checked(promise, facts) for promise in promises]


def _checked(promise: Promise, facts: Facts) -> Finding:
    if promise.by_witness and facts.witness is None:
        return Finding(promise.sentence, 0, [], [], [], _NO_WITNESS)
    return promise.look(facts).finding(promise.sentence)
