"""What stands on disk before a broker starts: server.properties, the formatted log folder, certificates."""

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from services.embedded import jars, ports, tls
from services.embedded.errors import EmbeddedKafkaError
from services.embedded.layout import Layout
from services.embedded.tools import run

# Any valid id will do: this node never meets another.
_CLUSTER_ID = "c3dpdGNoYm9hcmRfX19fXw"
_FORMAT_TIMEOUT_S = 60.0
# What formatting writes. By the last one Kafka, and we, know that it is done.
_FORMATTED = ("bootstrap.checkpoint", "meta.properties")


def lay_out(folder: Path, port: int, with_tls: bool) -> Layout:
    """Choose the remaining ports; make the certificates, or take up those of an earlier run.

    Raises EmbeddedKafkaError if `folder` holds a broker without TLS and TLS is asked for.
    """
    folder.mkdir(parents=True, exist_ok=True)
    plain = Layout(folder, port, controller_port=ports.pick())
    if not with_tls:
        return plain
    certificates = folder / "tls"
    if certificates.exists():
        listener = tls.load(certificates)
    elif plain.is_formatted:
        # The user's password goes into the metadata log, and that is written once.
        raise EmbeddedKafkaError(f"{folder} was made without TLS; start it without, or name an empty folder")
    else:
        listener = tls.make(certificates)
    return Layout(folder, port, plain.controller_port, tls_port=ports.pick(), tls=listener)


def prepare(layout: Layout, java: Sequence[str], own: Mapping[str, str]) -> None:
    """Write server.properties, where `own` wins; format the log folder, once. Raises BrokerFailedError.

    Formatting takes a Java of its own. What comes of it is the same for every broker without a user and settings of its
    own, so it is kept beside the jars and copied from then on.
    """
    merged = {**layout.properties(), **own}
    text = "".join(f"{key}={_escaped(value)}\n" for key, value in merged.items())
    layout.properties_file.touch(mode=0o600)  # it may hold the key store's password
    layout.properties_file.write_text(text, encoding="ascii")
    if layout.is_formatted:
        return
    alike = not own and layout.tls is None
    if alike and _kept().is_dir():
        layout.data.mkdir(exist_ok=True)
        _copy(_kept(), layout.data)
        return
    arguments = ["format", "-t", _CLUSTER_ID, "-c", str(layout.properties_file)]
    if layout.tls:
        arguments += ["--add-scram", layout.tls.scram_credential]
    run(
        [*java, "kafka.tools.StorageTool", *arguments],
        what="Kafka, formatting its storage,",
        timeout_s=_FORMAT_TIMEOUT_S,
    )
    if alike:
        _keep(layout.data)


def _kept() -> Path:
    return jars.cache_root() / f"kafka-{jars.VERSION}-formatted"


def _keep(data: Path) -> None:
    """Under its name it is whole; of several processes that do so at once one is enough."""
    unfinished = Path(tempfile.mkdtemp(prefix=f"{_kept().name}.", dir=_kept().parent))
    _copy(data, unfinished)
    try:
        unfinished.rename(_kept())
    except OSError:
        shutil.rmtree(unfinished)


def _copy(formatted: Path, folder: Path) -> None:
    for name in _FORMATTED:
        unfinished = folder / f"{name}.unfinished"
        shutil.copyfile(formatted / name, unfinished)
        unfinished.rename(folder / name)


def _escaped(value: str) -> str:
    """As Java reads properties: Latin-1 with escapes."""
    plain = value.replace("\\", "\\\\")
    return "".join(c if " " <= c <= "~" else f"\\u{ord(c):04x}" for c in plain)
