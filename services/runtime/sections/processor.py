"""The processor: which folds it runs, and what it answers."""

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from services.contract.fold import PROCESSOR_APPS
from services.runtime.sections.worker import WorkerSettings
from services.runtime.tokens import TokenName, TokenSettings

# What listens there is reached under other names.
EVERY_ADDRESS = frozenset({"", "0.0.0.0", "::", "[::]"})  # noqa: S104 (not bound here)  # nosec B104


def _groups(names: list[str]) -> list[str]:
    if unknown := sorted(set(names) - set(PROCESSOR_APPS)):
        raise ValueError(f"no group is called {', '.join(unknown)}; there are {', '.join(PROCESSOR_APPS)}")
    return names


class ProcessorSettings(WorkerSettings):
    """A worker that its peers ask: it needs a URL that is its own. Its `port` answers questions and nothing else."""

    operations_host: str = "127.0.0.1"
    operations_port: int = Field(default=9081, ge=0, le=65535, description="/healthz, /readyz and /metrics")
    tokens: dict[TokenName, TokenSettings] = Field(
        default_factory=dict, description="of the query API, each showing the rows of all tenants"
    )
    groups: Annotated[list[str], AfterValidator(_groups)] = Field(
        default_factory=lambda: [*PROCESSOR_APPS],
        min_length=1,
        description="of folds that this worker runs, each for itself; default: all",
    )

    @model_validator(mode="after")
    def _reachable(self) -> "ProcessorSettings":
        if self.advertised_url is None and (self.host in EVERY_ADDRESS or self.port == 0):
            raise ValueError(
                f"host {self.host}, port {self.port} is no address at which other processors could ask this one; "
                "set advertised_url to one that is this worker's alone, such as http://processor-0:8081"
            )
        return self
