"""Where one of them lies and listens: its ports, and what must be free."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from services.embedded import ports
from services.local.errors import LocalError

# In the order in which --port-base counts.
NAMES = (
    "ingress", "processor", "sender", "simulator", "kafka", "ingress-operations", "processor-operations", "poller"
)  # fmt: skip


@dataclass(frozen=True)
class Layout:
    """A folder, and a port for each of NAMES."""

    folder: Path
    ports: Mapping[str, int]

    def url(self, name: str) -> str:
        return f"http://{self.address(name)}"

    def address(self, name: str) -> str:
        return f"{ports.HOST}:{self.ports[name]}"

    def operations(self, name: str) -> str:
        """Where a service says how it is."""
        own = f"{name}-operations"
        return self.url(own if own in self.ports else name)

    @property
    def settings_file(self) -> Path:
        return self.folder / "switchboard.yaml"

    @property
    def kafka_data(self) -> Path:
        return self.folder / "kafka"

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"


def asked_ports(base: int, named: list[str]) -> dict[str, int]:
    """The ports that the options name: `base` and those after it, then single ones as `kafka=29092`.

    Raises LocalError for what is no such option.
    """
    asked = {name: base + place for place, name in enumerate(NAMES)} if base else {}
    for one in named:
        name, _, number = one.partition("=")
        if name not in NAMES or not number.isdecimal():
            raise LocalError(f"--port {one}: write NAME=NUMBER, where NAME is one of {', '.join(NAMES)}")
        asked[name] = int(number)
    for name, port in asked.items():
        if not 1 <= port <= 65_535:
            raise LocalError(f"the port {port} for {name} does not exist; choose one from 1 to 65535")
    return asked


def choose_ports(asked: Mapping[str, int]) -> dict[str, int]:
    """Those asked for, and free ones for the rest. Raises LocalError, naming all that are taken."""
    given = list(asked.values())
    refuse_taken(asked)
    if len(set(given)) < len(given):
        raise LocalError("one port is given to two services; choose others")
    chosen = dict(asked)
    for name in NAMES:
        while name not in chosen:
            port = ports.pick()
            if port not in chosen.values():
                chosen[name] = port
    return chosen


def refuse_taken(wanted: Mapping[str, int]) -> None:
    """Raises LocalError, naming all ports that somebody listens on."""
    if taken := [f"{port} (for {name})" for name, port in wanted.items() if not ports.is_free(port)]:
        plural = "s are" if len(taken) > 1 else " is"
        raise LocalError(f"port{plural} taken: {', '.join(taken)}; choose others, or stop who listens there")
