"""From what each table is rebuilt, and by which function: the very one of the topology."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, NamedTuple, get_args

import msgspec

from services.contract.consent import CONSENT
from services.contract.fold import FoldContract, changelog
from services.contract.messages import DELIVERY
from services.contract.topic import Topic
from services.contract.topics import FOLDS
from services.domain.between import Between
from services.domain.consent.evidence import Evidence, recall
from services.domain.consent.standing import Standing
from services.operations.rebuild.errors import RebuildError
from services.runtime.folding.fold import Fold, FoldFunction, Step, Table

Service = Literal["processor", "sender"]

# Tables that the log does not give, and why.
_REFUSED: Mapping[str, str] = {
    "outbox": "the outbox cannot be rebuilt: attempts and verdicts stand in its changelog alone, and a command without "
    "its attempt would be sent again; Kafka's copies of the changelog are what protects it",
    "spent": "what counts in budgets follows from the outbox's rows, which cannot be rebuilt; it ends with its day",
    "lookedup": "how many numbers were looked up is counted in its changelog alone; it ends with its day",
    "introduced": "who had a first message stands in its changelog alone: on the log they lie by message; where a row "
    "is gone, the next message says once more how to stop",
    "pauses": "what is paused stands on the log for a week alone; pause and resume say it anew",
    "suspensions": "suspensions holds when a suspended account was told last; it puts itself right within a minute",
} | {
    table: f"{table} holds what waits for a tenant; it empties itself within minutes"
    for fold in FOLDS
    if any(topic.public for topic in fold.reads)
    for table in fold.keeps
}
# Folding a fact again changes nothing, but for counts.
_COUNTS = frozenset({"deliverability"})


class Plan(NamedTuple):
    """How one table is rebuilt."""

    service: Service
    # The name of the live fold, whose fence guards the table.
    live: str
    shadow: Fold
    phases: tuple[tuple[Topic, ...], ...]

    @property
    def app(self) -> str:
        """The live app: its group reads the sources."""
        return self.shadow.contract.app

    @property
    def step(self) -> Step:
        return self.shadow.steps[0]

    @property
    def table(self) -> Table:
        return self.shadow.tables[0]

    @property
    def changelog(self) -> str:
        return changelog(self.app, self.table.name)

    @property
    def derived(self) -> tuple[Topic, ...]:
        """Sources that folds of ours have written: nobody else's records stand there."""
        return tuple(topic for topic in self.shadow.sources if topic in (CONSENT, DELIVERY))

    @property
    def repeatable(self) -> bool:
        """May a fact be folded onto a row that holds it already?"""
        return self.table.name not in _COUNTS

    @property
    def alone(self) -> bool:
        """Do its topics alone give it? Else a step before it tells it something too, which no shadow has."""
        return not any(issubclass(one, Between) for one in self.step.takes or ())

    @property
    def told(self) -> frozenset[str]:
        """Sources that the fold itself writes, together with the rows: no group reads them."""
        return frozenset({CONSENT.name, DELIVERY.name})

    @property
    def whole(self) -> Topic | None:
        """The source that alone gives the whole table, if there is one: the others may be cut."""
        return CONSENT if CONSENT in self.shadow.sources else None


def plan(live: Sequence[Fold], table: str, service: Service) -> Plan:
    """How a table of a service is rebuilt. `live`: the folds of that service, as it runs them.

    Raises RebuildError for a table that there is not, or that the log does not give.
    """
    if table in _REFUSED:
        raise RebuildError(_REFUSED[table])
    for fold in live:
        for step in fold.steps:
            if step.table is not None and step.table.name == table:
                return _plan(service, fold.contract, step)
    known = sorted(one.name for fold in live for one in fold.tables if one.name not in _REFUSED)
    raise RebuildError(f"the {service} has no table {table!r}; it has {', '.join(known)}")


def _plan(service: Service, live: FoldContract, step: Step) -> Plan:
    table = step.table
    assert table is not None
    phases = _phases(live, step)
    sources = tuple(topic for phase in phases for topic in phase)
    if CONSENT in sources:
        takes = None if step.takes is None else (*step.takes, *get_args(Evidence))
        step = replace(step, function=_recalling(step.function), takes=takes)
    shadow = live._replace(name=f"rebuild-{table.name}", reads=sources, keeps=(table.name,))
    return Plan(service, live.name, Fold(shadow, (step,)), phases)


def _phases(live: FoldContract, step: Step) -> tuple[tuple[Topic, ...], ...]:
    """What is read, one phase after the other: the topics of what the step takes, of those in its fold's key that the
    fold reads, or wrote itself.

    Consent's evidence comes first: in its order it gives the row; what the raw topics still hold then adds only what no
    evidence was written of.
    """
    takes = step.takes
    near = [topic for topic in dict.fromkeys((*live.reads, *live.emits)) if topic.key_is == live.reads[0].key_is]
    taken = live.reads if takes is None else tuple(topic for topic in near if {*topic.types} & {*takes})
    recalled = step.table is not None and step.table.row is Standing
    return ((CONSENT,), taken) if recalled else (taken,)


def _recalling(function: FoldFunction) -> FoldFunction:
    def fold(state: Any, event: Any, /) -> tuple[Any, Sequence[msgspec.Struct]]:
        if isinstance(event, Evidence):
            return recall(state, event), ()
        return function(state, event)

    return fold
