"""What stands on disk before a broker starts: server.properties, the formatted log folder, certificates."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from services.embedded import ports, tls
from services.embedded.errors import EmbeddedKafkaError
from services.embedded.layout import Layout
from services.embedded.tools import run

# Any valid id will do: this node never meets another.
_CLUSTER_ID = "c3dpdGNoYm9hcmRfX19fXw"
_FORMAT_TIMEOUT_S = 60.0


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
    """Write server.properties, where `own` wins; format the log folder, once. Raises BrokerFailedError."""
    merged = {**layout.properties(), **own}
    text = "".join(f"{key}={_escaped(value)}\n" for key, value in merged.items())
    layout.properties_file.touch(mode=0o600)  # it may hold the key store's password
    layout.properties_file.write_text(text, encoding="ascii")
    if layout.is_formatted:
        return
    arguments = ["format", "-t", _CLUSTER_ID, "-c", str(layout.properties_file)]
    if layout.tls:
        arguments += ["--add-scram", layout.tls.scram_credential]
    run(
        [*java, "kafka.tools.StorageTool", *arguments],
        what="Kafka, formatting its storage,",
        timeout_s=_FORMAT_TIMEOUT_S,
    )


def _escaped(value: str) -> str:
    """As Java reads properties: Latin-1 with escapes."""
    plain = value.replace("\\", "\\\\")
    return "".join(c if " " <= c <= "~" else f"\\u{ord(c):04x}" for c in plain)
