"""What becomes of a record that a fold could not take: why, its dead letter, and what it means for a person."""

import logging
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from services.contract import codec
from services.contract.topics import BY_CONTACT
from services.runtime import metrics
from services.runtime.folding.dead import Why, dead_letter
from services.runtime.folding.fold import Emission, Fold, Record
from services.runtime.folding.stamp import OTHER_ALIASES
from services.runtime.folding.telling import TooLarge
from services.runtime.section import ConfigError

logger = logging.getLogger(__name__)


class Failed(NamedTuple):
    """A step that could not take its part of an event."""

    step: str
    error: Exception


def refuse_other_aliases(record: Record) -> None:
    """Raises ConfigError for a record whose contact key was made by other aliases."""
    if record.topic in BY_CONTACT and (version := codec.other_aliases(record.headers)):
        place = f"{record.topic}/{record.partition}@{record.offset}"
        raise ConfigError(f"{place}: its contact key is of alias version {version}; {OTHER_ALIASES}")


def why(fold: Fold, record: Record, failed: Sequence[Failed]) -> Why:
    """Why a record is a dead letter that steps could not take: the first of them gives the reason."""
    reasons = [_reason(fold, record, one) for one in failed]
    details = [_detail(reason, one.error) for reason, one in zip(reasons, failed, strict=True)]
    if len(fold.steps) > 1:
        details = [f"{one.step}: {detail}" for one, detail in zip(failed, details, strict=True)]
    return Why(reasons[0], "; ".join(details), tuple(one.step for one in failed))


def put_aside(fold: Fold, record: Record, reason: Why, holds: bool = False) -> Emission:
    """Its dead letter, counted."""
    metrics.DEAD.labels(fold.name, reason.reason).inc()
    [source] = [topic for topic in fold.sources if topic.name == record.topic]
    return dead_letter(source, record, reason, holds)


def words(fold: Fold, record: Record, event: object, reason: Why) -> Sequence[msgspec.Struct]:
    """What is to be told and folded because the record may have been a person's word; where nobody knows whose, people
    are told."""
    found = fold.unheard(record, event, reason.steps)
    if found is None:
        metrics.UNATTRIBUTED.labels(fold.name).inc()
        logger.error(
            "%s/%d@%d may have been a person's word, and does not say whose: nobody is held for it; look at its dead "
            "letter now",
            record.topic,
            record.partition,
            record.offset,
        )
    return found or ()


def _reason(fold: Fold, record: Record, failed: Failed) -> str:
    match failed.error:
        case TooLarge():
            return "too_large"
        case ValueError():
            return "unfoldable"
        case error:
            # A defect of ours in a pure function would come back at every retry: keep the record, and go on.
            logger.error(
                "fold %s, step %s, failed on %s/%d@%d",
                fold.name,
                failed.step,
                record.topic,
                record.partition,
                record.offset,
                exc_info=error,
            )
            return "defect"


def _detail(reason: str, error: Exception) -> str:
    """A defect's text may quote what it stumbled over."""
    return type(error).__name__ if reason == "defect" else str(error)
