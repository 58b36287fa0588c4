"""The sender's topology: which fold, on which topics, into which tables."""

from collections.abc import Callable
from typing import Any

from services.contract.consent import CONSENT_COMMANDS, CONSENT_INTAKE_FOLD
from services.contract.messages import INTAKE_FOLD, MESSAGES
from services.contract.outbox import OUTBOX_FOLD
from services.contract.topic import own_topic
from services.domain.consent import dating
from services.domain.consent.commands import ConsentAccepted, ContactLinked, MessageDated
from services.domain.consent.holds import HoldPlaced, HoldReleased
from services.domain.consent.suppression import Standing
from services.domain.due import Due
from services.domain.messages import sessions
from services.domain.messages.consent import Suppressing
from services.domain.messages.effects import EFFECTS
from services.domain.messages.events import InboundReceived, OutcomeReached
from services.domain.messages.windows import Sessions
from services.domain.outbox import entry, pauses
from services.domain.outbox.fold import Outbox
from services.domain.outbox.lists import lists
from services.domain.results import result
from services.runtime.config import Settings
from services.runtime.folding.fold import Fold, Record, Step, Table
from services.runtime.tenants.live import Tenants
from services.runtime.unheard import of_contact, of_nobody
from services.sender.ends import logged, of_fold, of_refusal
from services.sender.intake import Intake, Requested, read_consent, read_message, tenant_rules
from services.sender.parking import Parked, Parking, due

OUTBOX = "outbox"
SUPPRESSION = "suppression"
SESSIONS = "sessions"
PAUSES = "pauses"
PARKED = "parked"
PARKED_CONSENT = "parkedconsent"


def folds(settings: Settings, tenants: Tenants) -> tuple[Fold, Fold, Fold]:
    """Intake forwards commands by contact; the outbox remembers each, and settles it by what comes back.

    Beside the outbox, in the same partitions, stands what the gate looks at: the sender folds it itself, so that it
    knows how far it has read. The processor tells the world; here nothing is told twice.
    """
    outbox = Outbox((EFFECTS,), result)
    intake = Intake(tenant_rules(settings, tenants))
    own = settings.kafka.tenant_topics

    def parked(table: str, read: Callable[[Record], Requested]) -> tuple[Step, ...]:
        step = Parking(intake, tenants, read)
        return (Step(logged(step, of_fold), Table(table, Parked, step.row_key, due=due)),)

    return (
        Fold(
            INTAKE_FOLD,
            parked(PARKED, read_message),
            tuple(own_topic(MESSAGES, tenant) for tenant in own),
            read=read_message,
            refused=logged(intake.refused, of_refusal),
        ),
        Fold(
            CONSENT_INTAKE_FOLD,
            parked(PARKED_CONSENT, read_consent),
            tuple(own_topic(CONSENT_COMMANDS, tenant) for tenant in own),
            read=read_consent,
            refused=logged(intake.refused, of_refusal),
            unheard=of_nobody(CONSENT_COMMANDS, CONSENT_INTAKE_FOLD.name),
        ),
        Fold(
            OUTBOX_FOLD,
            (
                Step(
                    logged(outbox.fold, of_fold),
                    # The rows of an earlier release name no product, and its index no order key.
                    Table(OUTBOX, outbox.row, entry.row_key, due=entry.due, lists=lists, index=2),
                    takes=outbox.facts,
                ),
                Step(pauses.fold, Table(PAUSES, pauses.Pauses, lambda _: pauses.ROW), takes=pauses.SAID),
                Step(
                    _dating(_quietly(Suppressing({}))),
                    Table(SUPPRESSION, Standing, lambda event: event.contact, lists=dating.lists),
                    takes=(
                        InboundReceived,
                        OutcomeReached,
                        ConsentAccepted,
                        ContactLinked,
                        MessageDated,
                        HoldPlaced,
                        HoldReleased,
                        dating.DateFetched,
                    ),
                ),
                Step(
                    _quietly(sessions.fold),
                    Table(SESSIONS, Sessions, lambda event: event.contact, due=sessions.due),
                    takes=(InboundReceived, OutcomeReached, Due),
                ),
            ),
            unheard=of_contact(OUTBOX_FOLD.app, SUPPRESSION),
        ),
    )


def _quietly(fold: Callable[[Any, Any], tuple[Any, Any]]) -> Callable[[Any, Any], tuple[Any, tuple[()]]]:
    """The same state, and nothing told."""

    def quiet(state: Any, event: Any) -> tuple[Any, tuple[()]]:
        return fold(state, event)[0], ()

    return quiet


def _dating(fold: Callable[[Any, Any], tuple[Any, Any]]) -> Callable[[Any, Any], tuple[Any, Any]]:
    """The same, but that a date which was fetched is told to both copies of suppression, to be folded from the log."""

    def step(state: Any, event: Any) -> tuple[Any, Any]:
        return (state, dating.dated(state, event)) if isinstance(event, dating.DateFetched) else fold(state, event)

    return step
