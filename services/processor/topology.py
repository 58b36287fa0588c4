"""The processor's topology: which fold, on which topics, into which tables."""

from collections.abc import Mapping
from typing import NamedTuple

from services.contract.messages import CONTACTS_FOLD, INBOUND, MESSAGES_FOLD, STATUS
from services.contract.outbound import COMMANDS_FOLD
from services.contract.partition import key_on, partition_of
from services.contract.studio import EXECUTIONS_FOLD
from services.domain.consent import deactivations
from services.domain.consent.deactivations import KnownDeactivated, NumbersDeactivated
from services.domain.consent.standing import Standing
from services.domain.messages import (
    consent,
    deliverability,
    delivery,
    ladder,
    number,
    numbers,
    recent,
    sessions,
    suspension,
    timeline,
)
from services.domain.messages.confirmation import Texts
from services.domain.messages.consent import Suppressing
from services.domain.messages.events import DeliveryChanged, InboundReceived, OutcomeReached, StatusReceived
from services.domain.messages.lines import NumberLookedUp
from services.domain.messages.sightings import Sighting, Sightings
from services.domain.messages.suspension import Suspending, Suspension
from services.domain.messages.windows import Sessions
from services.domain.outbox import pauses
from services.domain.studio import executions
from services.runtime.config import Settings
from services.runtime.folding.fold import Fold, Step, Table
from services.runtime.unheard import of_contact, of_nobody


class Topology(NamedTuple):
    """The folds by what they are about."""

    messages: Fold
    commands: Fold
    contacts: Fold
    executions: Fold


def topology(settings: Settings, texts: Mapping[str, Texts]) -> Topology:
    """Messages by MessageSid, commands by tenant and id, contacts by their key.

    `texts`: what tenants answer to STOP and START, asked for when one is answered; no state depends on them.
    """

    def part(kind: str, key: str) -> str:
        return f"{kind}-{partition_of(key.encode(), settings.kafka.partitions)}"

    by_status = Sighting(lambda event: part("status", STATUS.key(event)))
    by_inbound = Sighting(lambda event: part("inbound", INBOUND.key(event)))
    counting = deliverability.Counting(lambda sid: partition_of(sid.encode(), settings.kafka.partitions))
    suppressing = Suppressing(texts)
    return Topology(
        Fold(
            MESSAGES_FOLD,
            (
                Step(delivery.fold, Table("delivery", ladder.Delivery, delivery.row_key)),
                Step(
                    counting,
                    Table("deliverability", deliverability.Counts, deliverability.key, due=deliverability.due),
                    takes=(DeliveryChanged,),
                    parts=counting.moves,
                ),
                Step(
                    Suspending(
                        [key_on(number, settings.kafka.partitions) for number in range(settings.kafka.partitions)]
                    ),
                    Table("suspensions", Suspension, suspension.row_key),
                    takes=(OutcomeReached,),
                    parts=suspension.parts,
                ),
                Step(
                    by_status,
                    Table("sendersbystatus", Sightings, by_status.key, unhurried=True),
                    takes=(StatusReceived,),
                ),
            ),
            # A status may tell of an opt-out (21610), and its key is the message's.
            unheard=of_nobody(STATUS, "delivery"),
        ),
        Fold(
            COMMANDS_FOLD,
            (
                Step(
                    timeline.fold,
                    Table("commands", timeline.Timeline, lambda event: event.key, lists=timeline.lists),
                ),
            ),
        ),
        Fold(
            CONTACTS_FOLD,
            (
                Step(
                    suppressing,
                    Table("suppression", Standing, lambda event: event.contact),
                    parts=consent.parts,
                ),
                Step(
                    sessions.fold,
                    Table("sessions", Sessions, lambda event: event.contact, due=sessions.due, unhurried=True),
                    takes=(InboundReceived, OutcomeReached),
                ),
                Step(
                    numbers.fold,
                    Table("numbers", number.Number, lambda event: event.contact, due=number.due, unhurried=True),
                    takes=(InboundReceived, OutcomeReached, NumberLookedUp, NumbersDeactivated, KnownDeactivated),
                    parts=deactivations.parts,
                ),
                Step(recent.fold, Table("recent", recent.Recent, lambda event: event.contact, unhurried=True)),
                Step(
                    pauses.fold, Table("pauses", pauses.Pauses, lambda _: pauses.ROW, due=pauses.due), takes=pauses.SAID
                ),
                Step(
                    by_inbound,
                    Table("sendersbyinbound", Sightings, by_inbound.key, unhurried=True),
                    takes=(InboundReceived,),
                ),
            ),
            unheard=of_contact(CONTACTS_FOLD.app, "suppression"),
        ),
        Fold(
            EXECUTIONS_FOLD,
            (
                Step(
                    executions.fold,
                    Table("executions", executions.Execution, executions.row_key, due=executions.due),
                ),
            ),
        ),
    )
