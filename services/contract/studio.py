"""Studio on the log: commands that start executions, which flows are read, what was seen in them, and what follows."""

from services.contract.fold import POLLER_APP, PROCESSOR_APPS, SENDER_APP, FoldContract, Product
from services.contract.messages import INBOUND
from services.contract.outbound import ACCEPTED, RESULTS
from services.contract.topic import MONTH, QUARTER, WEEK, Topic
from services.domain.studio import executions
from services.domain.studio.commands import CancelExecution, ResolveExecution, StartExecution
from services.domain.studio.events import (
    ContactExposed,
    ExecutionChanged,
    ExecutionSeen,
    ExecutionStopped,
    FlowWatched,
    StepWalked,
)
from services.domain.studio.reports import FlowReported

STARTS = Topic(
    "twilio.outbound.executions.v1",
    StartExecution | ResolveExecution | CancelExecution,
    lambda e: e.command_id,
    "anything",
    WEEK,
    public=True,
)
FLOWS = Topic("twilio.flows.v1", FlowWatched, lambda e: e.key, "flow or execution", None, compacted=True)
STUDIO = Topic(
    "twilio.studio.v1",
    ExecutionSeen | StepWalked | ExecutionStopped,
    lambda e: e.execution_sid,
    "flow or execution",
    MONTH,
)
EXECUTIONS = Topic(
    "twilio.executions.v1",
    ExecutionChanged,
    lambda e: e.execution_sid,
    "flow or execution",
    MONTH,
    replaces=executions.row_key,
)

REPORTS = Topic("twilio.flow.reports.v1", FlowReported, lambda e: e.contact, "contact", MONTH)
EXPOSURES = Topic("twilio.exposures.v1", ContactExposed, lambda e: e.contact, "contact", QUARTER)

# Whoever is in a flow is known where their commands and their STOP are.
EXECUTIONS_FOLD = FoldContract(
    PROCESSOR_APPS["commands"], "executions", (STUDIO,), ("executions",), (EXECUTIONS, ACCEPTED)
)
# What people say in flows is a message to us as any other.
WATCHING_FOLD = FoldContract(POLLER_APP, "studio", (FLOWS, STUDIO), ("watched",), (STUDIO, INBOUND))

STARTS_FOLD = FoldContract(SENDER_APP, "executions-intake", (STARTS,), ("parkedexecutions",), (ACCEPTED, RESULTS))

PRODUCT = Product(
    (STARTS, FLOWS, STUDIO, EXECUTIONS, REPORTS, EXPOSURES), (STARTS_FOLD, EXECUTIONS_FOLD, WATCHING_FOLD)
)
