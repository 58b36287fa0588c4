"""The processor's topology: which fold, on which topics, into which tables."""

from typing import NamedTuple

from services.contract.partition import partition_of
from services.contract.topics import ACCEPTED, INBOUND, OUTCOMES, RESULTS, SENT, STATUS
from services.domain.consent.suppression import Standing, Suppressing
from services.domain.messages import deliverability, delivery, recent, sessions, timeline
from services.domain.messages.events import DeliveryChanged
from services.runtime.config import Settings
from services.runtime.folding.fold import Fold, Step, Table
from services.runtime.policy import confirmation_texts, consent_words


class Topology(NamedTuple):
    """The folds by what they are about."""

    messages: Fold
    commands: Fold
    contacts: Fold


def topology(settings: Settings) -> Topology:
    """Messages by MessageSid, commands by their id, contacts by their key."""
    counting = deliverability.Counting(lambda sid: partition_of(sid.encode(), settings.kafka.partitions))
    suppressing = Suppressing(consent_words(settings), confirmation_texts(settings))
    return Topology(
        Fold(
            "messages",
            (STATUS, SENT),
            (
                Step(delivery.fold, Table("delivery", delivery.Delivery, lambda event: event.message_sid)),
                Step(
                    counting,
                    Table("deliverability", deliverability.Counts, counting.key, due=deliverability.due),
                    takes=(DeliveryChanged,),
                ),
            ),
        ),
        Fold(
            "commands",
            (RESULTS,),
            (
                Step(
                    timeline.fold,
                    Table(
                        "commands",
                        timeline.Timeline,
                        lambda event: event.command_id,
                        lists=timeline.lists,
                    ),
                ),
            ),
        ),
        Fold(
            "contacts",
            (INBOUND, ACCEPTED, OUTCOMES),
            (
                Step(suppressing, Table("suppression", Standing, lambda event: event.contact)),
                Step(
                    sessions.fold,
                    Table("sessions", sessions.Sessions, lambda event: event.contact, due=sessions.due),
                ),
                Step(recent.fold, Table("recent", recent.Recent, lambda event: event.contact)),
            ),
        ),
    )
