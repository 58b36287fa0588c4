"""The sender's topology: which fold, on which topics, into which tables."""

from collections.abc import Callable
from functools import partial
from typing import Any

from services.contract.outbox import OUTBOX_FOLD
from services.contract.topic import own_topic
from services.domain.between import Between
from services.domain.consent import dating, deactivations
from services.domain.consent.commands import ConsentAccepted, ContactLinked, MessageDated
from services.domain.consent.deactivations import KnownDeactivated, NumbersDeactivated
from services.domain.consent.holds import HoldPlaced, HoldReleased
from services.domain.consent.standing import Standing
from services.domain.due import Due
from services.domain.messages import consent, introduced, lines, number, numbers, sessions
from services.domain.messages.consent import Suppressing
from services.domain.messages.events import InboundReceived, MessageSent, OutcomeReached
from services.domain.messages.windows import Sessions
from services.domain.outbox import entry, pauses
from services.domain.outbox.lists import lists
from services.domain.spend import budgets
from services.domain.studio import experiments, stopping
from services.domain.studio.events import ContactExecution, ExecutionStopped
from services.runtime.catalogues import Catalogues
from services.runtime.config import Settings
from services.runtime.folding.fold import Fold, Step, Table
from services.runtime.price_lists import PriceLists
from services.runtime.registries import Registries
from services.runtime.tenants.live import Tenants
from services.runtime.unheard import of_contact
from services.sender import products
from services.sender.commands import Commands
from services.sender.ends import logged, of_fold, of_refusal
from services.sender.intake import Intake, Lists, Out, tenant_rules
from services.sender.parking import Parked, Parking, due
from services.sender.producers import Producers
from services.sender.requests import read
from services.sender.tables import (
    EXPOSURES,
    IN_FLOWS,
    INTRODUCED,
    LOOKED_UP,
    NUMBERS,
    OUTBOX,
    PAUSES,
    SESSIONS,
    SPENT,
    SUPPRESSION,
)


def folds(
    settings: Settings, tenants: Tenants, known: Lists | None = None, out: Out = lambda _: frozenset()
) -> tuple[Fold, ...]:
    """Intake forwards commands by contact; the outbox remembers each, and settles it by what comes back.

    Beside the outbox, in the same partitions, stands what the gate looks at: the sender folds it itself, so that it
    knows how far it has read. The processor tells the world; here nothing is told twice. `out`: see `Intake`.
    `known`: what intake looks at beside settings.
    """
    known = known or Lists(PriceLists(settings.kafka), Registries(settings.kafka), Catalogues(settings.kafka))
    rules = tenant_rules(settings, tenants, known)
    own = settings.kafka.tenant_topics

    def taken_in(commands: Commands) -> Fold:
        reading = partial(read, commands)
        parking = Parking(tenants, Producers(rules), reading)
        intake = Intake(rules, out, parking)
        return Fold(
            commands.fold,
            (Step(logged(intake, of_fold), Table(commands.parked, Parked, parking.row_key, due=due)),),
            tuple(own_topic(commands.topic, tenant) for tenant in own),
            read=reading,
            refused=logged(intake.refused, of_refusal),
            unheard=commands.unheard,
            awaited=True,
        )

    return (
        *map(taken_in, products.COMMANDS),
        Fold(
            OUTBOX_FOLD,
            (
                Step(
                    logged(products.OUTBOX.fold, of_fold),
                    # The rows of an earlier release name no product; its index no order key, product or destination.
                    Table(OUTBOX, products.OUTBOX.row, entry.row_key, due=entry.due, lists=lists, index=4),
                    takes=products.OUTBOX.facts,
                ),
                Step(
                    budgets.fold,
                    Table(SPENT, budgets.Spent, budgets.key_of, due=budgets.due),
                    takes=(budgets.SpendMoved,),
                    parts=budgets.parts,
                ),
                Step(lines.fold, Table(LOOKED_UP, lines.Asked, lines.key_of, due=lines.due), takes=lines.FACTS),
                Step(
                    pauses.fold, Table(PAUSES, pauses.Pauses, lambda _: pauses.ROW, due=pauses.due), takes=pauses.SAID
                ),
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
                        NumbersDeactivated,
                    ),
                    parts=consent.parts,
                ),
                Step(
                    _quietly(sessions.fold),
                    Table(SESSIONS, Sessions, lambda event: event.contact, due=sessions.due, unhurried=True),
                    takes=(InboundReceived, OutcomeReached, Due),
                ),
                Step(
                    _quietly(numbers.fold),
                    Table(NUMBERS, number.Number, lambda event: event.contact, due=number.due, unhurried=True),
                    takes=(
                        InboundReceived,
                        OutcomeReached,
                        lines.NumberLookedUp,
                        NumbersDeactivated,
                        KnownDeactivated,
                        Due,
                    ),
                    parts=deactivations.parts,
                ),
                Step(
                    stopping.fold,
                    Table(
                        IN_FLOWS,
                        stopping.InFlows,
                        lambda event: event.contact,
                        due=stopping.due,
                        lists=stopping.lists,
                    ),
                    takes=(ContactExecution, ExecutionStopped),
                ),
                Step(
                    experiments.fold,
                    Table(EXPOSURES, experiments.Exposures, lambda event: event.contact, due=experiments.due),
                    takes=(ContactExecution,),
                ),
                Step(
                    introduced.fold,
                    Table(INTRODUCED, introduced.Introduced, lambda event: event.contact, due=introduced.due),
                    takes=(MessageSent,),
                ),
            ),
            unheard=of_contact(OUTBOX_FOLD.app, SUPPRESSION),
            awaited=True,
        ),
    )


def _quietly(fold: Callable[[Any, Any], tuple[Any, Any]]) -> Callable[[Any, Any], tuple[Any, list[Between]]]:
    """The same state, and nothing told but to other steps."""

    def quiet(state: Any, event: Any) -> tuple[Any, list[Between]]:
        after, derived = fold(state, event)
        return after, [one for one in derived if isinstance(one, Between)]

    return quiet


def _dating(fold: Callable[[Any, Any], tuple[Any, Any]]) -> Callable[[Any, Any], tuple[Any, Any]]:
    """The same, but that a date which was fetched is told to both copies of suppression, to be folded from the log."""

    def step(state: Any, event: Any) -> tuple[Any, Any]:
        return (state, dating.dated(state, event)) if isinstance(event, dating.DateFetched) else fold(state, event)

    return step
