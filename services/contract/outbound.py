"""Commands of all products: what was accepted of them, in the order of each contact, and what became of them."""

from services.contract.fold import PROCESSOR_APPS, FoldContract, Product
from services.contract.topic import MONTH, WEEK, Topic
from services.domain.consent.commands import ConsentAccepted, ContactLinked, MessageDated
from services.domain.consent.deactivations import NumbersDeactivated
from services.domain.consent.holds import HoldPlaced, HoldReleased
from services.domain.followups.commands import FollowUpAccepted
from services.domain.messages.commands import CommandAccepted
from services.domain.messages.lines import NumberLookedUp
from services.domain.outbox.accepted import CancelAccepted, RescheduleAccepted, ResolutionAccepted
from services.domain.outbox.pauses import PauseEnded, PausePlaced
from services.domain.results import CommandResult
from services.domain.studio.commands import ExecutionAccepted
from services.domain.studio.events import ContactExecution

ACCEPTED = Topic(
    "twilio.outbound.accepted.v1",
    CommandAccepted
    | ExecutionAccepted
    | FollowUpAccepted
    | ConsentAccepted
    | ContactLinked
    | MessageDated
    | HoldPlaced
    | HoldReleased
    | ResolutionAccepted
    | CancelAccepted
    | RescheduleAccepted
    | PausePlaced
    | PauseEnded
    | ContactExecution
    | NumberLookedUp
    | NumbersDeactivated,
    lambda e: e.contact,
    "contact",
    WEEK,
)
RESULTS = Topic("twilio.outbound.results.v1", CommandResult, lambda e: e.key, "tenant and command id", MONTH)

COMMANDS_FOLD = FoldContract(PROCESSOR_APPS["commands"], "commands", (RESULTS,), ("commands",))

PRODUCT = Product((ACCEPTED, RESULTS), (COMMANDS_FOLD,))
