"""The processor's topology: which fold, on which topics, into which table."""

from services.contract.topics import RESULTS, SENT, STATUS
from services.domain.messages import delivery, timeline
from services.runtime.folding.fold import Fold, Table

DELIVERY = Fold(
    "delivery",
    (STATUS, SENT),
    delivery.fold,
    Table("delivery", delivery.Delivery, lambda event: event.message_sid),
)
COMMANDS = Fold(
    "commands",
    (RESULTS,),
    timeline.fold,
    Table("commands", timeline.Timeline, lambda event: event.command_id),
)
FOLDS = (DELIVERY, COMMANDS)
