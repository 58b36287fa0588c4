"""Studio on the log: which flows are read, what was seen of their executions, and what follows."""

from services.contract.fold import POLLER_APP, PROCESSOR_APPS, FoldContract, Product
from services.contract.messages import INBOUND
from services.contract.topic import MONTH, Topic
from services.domain.studio import executions
from services.domain.studio.events import ExecutionChanged, ExecutionSeen, FlowWatched, StepWalked

FLOWS = Topic("twilio.flows.v1", FlowWatched, lambda e: e.key, "flow or execution", None, compacted=True)
STUDIO = Topic("twilio.studio.v1", ExecutionSeen | StepWalked, lambda e: e.execution_sid, "flow or execution", MONTH)
EXECUTIONS = Topic(
    "twilio.executions.v1",
    ExecutionChanged,
    lambda e: e.execution_sid,
    "flow or execution",
    MONTH,
    replaces=executions.row_key,
)

EXECUTIONS_FOLD = FoldContract(PROCESSOR_APPS["commands"], "executions", (STUDIO,), ("executions",), (EXECUTIONS,))
# What people say in flows is a message to us as any other.
WATCHING_FOLD = FoldContract(POLLER_APP, "studio", (FLOWS, STUDIO), ("watched",), (STUDIO, INBOUND))

PRODUCT = Product((FLOWS, STUDIO, EXECUTIONS), (EXECUTIONS_FOLD, WATCHING_FOLD))
