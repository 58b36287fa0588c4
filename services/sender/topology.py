"""The sender's topology: which fold, on which topics, into which tables."""

from collections.abc import Callable
from typing import Any

from services.contract.topics import ACCEPTED, CONSENT_COMMANDS, INBOUND, MESSAGES, OUTCOMES
from services.domain.consent.commands import ConsentAccepted, ContactLinked
from services.domain.consent.suppression import Standing, Suppressing
from services.domain.due import Due
from services.domain.messages import outbox, sessions
from services.domain.messages.events import InboundReceived, OutcomeReached
from services.runtime.config import Settings
from services.runtime.folding.fold import Fold, Step, Table
from services.runtime.policy import consent_words
from services.sender.intake import Intake, read_consent, read_message, refused, tenant_rules

OUTBOX = "outbox"
SUPPRESSION = "suppression"
SESSIONS = "sessions"


def folds(settings: Settings) -> tuple[Fold, Fold, Fold]:
    """Intake forwards commands by contact; the outbox remembers each, and settles it by what comes back.

    Beside the outbox, in the same partitions, stands what the gate looks at: the sender folds it itself, so that it
    knows how far it has read. The processor tells the world; here nothing is told twice.
    """
    intake = Intake(tenant_rules(settings))
    return (
        Fold("intake", (MESSAGES,), (Step(intake),), read=read_message, refused=refused),
        Fold("consent-intake", (CONSENT_COMMANDS,), (Step(intake),), read=read_consent, refused=refused),
        Fold(
            OUTBOX,
            (ACCEPTED, OUTCOMES, INBOUND),
            (
                Step(
                    outbox.fold,
                    Table(OUTBOX, outbox.Entry, outbox.row_key, due=outbox.due, lists=outbox.lists),
                    takes=outbox.FACTS,
                ),
                Step(
                    _quietly(Suppressing(consent_words(settings), {})),
                    Table(SUPPRESSION, Standing, lambda event: event.contact),
                    takes=(InboundReceived, OutcomeReached, ConsentAccepted, ContactLinked),
                ),
                Step(
                    _quietly(sessions.fold),
                    Table(SESSIONS, sessions.Sessions, lambda event: event.contact, due=sessions.due),
                    takes=(InboundReceived, Due),
                ),
            ),
        ),
    )


def _quietly(fold: Callable[[Any, Any], tuple[Any, Any]]) -> Callable[[Any, Any], tuple[Any, tuple[()]]]:
    """The same state, and nothing told."""

    def quiet(state: Any, event: Any) -> tuple[Any, tuple[()]]:
        return fold(state, event)[0], ()

    return quiet
