"""One broker's ports and files, and the properties that follow from them. No process is started here."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from services.embedded.ports import HOST
from services.embedded.tls import Tls


@dataclass(frozen=True)
class Layout:
    """Where a broker lies and listens. `tls_port` and `tls` are given together or not at all."""

    folder: Path
    port: int
    controller_port: int
    tls_port: int | None = None
    tls: Tls | None = None

    @property
    def data(self) -> Path:
        return self.folder / "log"

    @property
    def properties_file(self) -> Path:
        return self.folder / "server.properties"

    @property
    def server_log(self) -> Path:
        return self.folder / "server.log"

    @property
    def is_formatted(self) -> bool:
        return (self.data / "meta.properties").exists()

    def properties(self) -> dict[str, str]:
        """What server.properties says, before the caller's own settings."""
        clients = f"PLAINTEXT://{HOST}:{self.port}"
        if self.tls_port is not None:
            clients += f",SASL_SSL://{HOST}:{self.tls_port}"
        return {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@{HOST}:{self.controller_port}",
            "controller.listener.names": "CONTROLLER",
            "listeners": f"{clients},CONTROLLER://{HOST}:{self.controller_port}",
            "advertised.listeners": clients,
            "inter.broker.listener.name": "PLAINTEXT",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL",
            "log.dirs": str(self.data),
            **_ONE_NODE,
            **(self.tls.properties() if self.tls else {}),
        }


_ONE_NODE: Mapping[str, str] = {
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    # Nobody else is going to join: a group need not wait for latecomers.
    "group.initial.rebalance.delay.ms": "0",
    # A topic that nobody declared is a mistake that should show.
    "auto.create.topics.enable": "false",
    # A killed broker may register again only when its former self has been away this long (default: 9 s).
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    # Twice a second a record of nothing, by which nodes see that they follow: here is none that could fall behind.
    "metadata.max.idle.interval.ms": "0",
    # The default takes 128 MB, a quarter of our heap.
    "log.cleaner.dedupe.buffer.size": str(16 << 20),
}
