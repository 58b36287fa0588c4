"""What all workers on Faust have in common."""

from pathlib import Path

from pydantic import Field

from services.runtime.section import Section


class WorkerSettings(Section):
    """A Faust worker: where its tables lie and how it is reached by its peers."""

    host: str = "127.0.0.1"
    port: int = Field(default=8081, ge=0, le=65535)
    advertised_url: str | None = Field(default=None, description="what peers call; default http://host:port")
    data_dir: Path = Path("data")
    session_timeout_s: float = Field(default=10.0, ge=6, description="what a kill -9 costs before others take over")
    instance_id: str | None = Field(
        default=None,
        min_length=1,
        max_length=249,
        pattern=r"^[A-Za-z0-9._-]+$",
        description="a name that is this worker's alone and outlives it, such as its pod's in a StatefulSet: back "
        "within session_timeout_s, it has its partitions again at once, and nobody else is disturbed",
    )
    standby_replicas: int = Field(default=1, ge=0, le=3, description="workers that keep a table ready for a failover")
    max_batch: int = Field(default=2000, ge=1, description="records folded in one flush")
    block_cache_bytes: int = Field(default=64 << 20, ge=1 << 20, description="RocksDB, shared by all partitions")
    memtable_bytes: int = Field(default=64 << 20, ge=1 << 20, description="RocksDB, shared by all partitions")

    @property
    def url(self) -> str:
        return self.advertised_url or f"http://{self.host}:{self.port}"
