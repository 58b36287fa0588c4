"""The sender's topology: which fold, on which topics, into which table."""

from services.contract.topics import ACCEPTED, MESSAGES, OUTCOMES
from services.domain.messages import outbox
from services.runtime.config import Settings
from services.runtime.folding.fold import Fold, Table
from services.sender.intake import Intake, read, refused, tenant_rules

OUTBOX = "outbox"


def folds(settings: Settings) -> tuple[Fold, Fold]:
    """Intake forwards commands by contact; the outbox remembers each, and settles it by what comes back."""
    return (
        Fold("intake", (MESSAGES,), Intake(tenant_rules(settings)), read=read, refused=refused),
        Fold(OUTBOX, (ACCEPTED, OUTCOMES), outbox.fold, Table(OUTBOX, outbox.Entry, outbox.row_key)),
    )
