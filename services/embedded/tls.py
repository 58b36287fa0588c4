"""The SASL_SSL listener of the embedded broker: its own certificate authority, a certificate, one SCRAM user.

All made by Java's keytool, so that nothing else is needed, and kept in the broker's data folder.
"""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from services.embedded.java import QUICK_JVM, find
from services.embedded.ports import HOST
from services.embedded.tools import run

MECHANISM = "SCRAM-SHA-512"
USER = "switchboard"

_TIMEOUT_S = 30.0
_KEY = ["-keyalg", "EC", "-groupname", "secp256r1", "-validity", "3650"]


@dataclass(frozen=True)
class Tls:
    """`ca_file` is PEM, `keystore` PKCS12; `password` is the user's and opens the key store."""

    keystore: Path
    ca_file: Path
    password: str = field(repr=False)

    @property
    def scram_credential(self) -> str:
        """In the form that StorageTool's --add-scram takes."""
        return f"{MECHANISM}=[name={USER},password={self.password}]"

    def properties(self) -> Mapping[str, str]:
        listener = "listener.name.sasl_ssl"
        return {
            f"{listener}.sasl.enabled.mechanisms": MECHANISM,
            f"{listener}.{MECHANISM.lower()}.sasl.jaas.config": (
                "org.apache.kafka.common.security.scram.ScramLoginModule required;"
            ),
            f"{listener}.ssl.keystore.type": "PKCS12",
            f"{listener}.ssl.keystore.location": str(self.keystore),
            f"{listener}.ssl.keystore.password": self.password,
            f"{listener}.ssl.key.password": self.password,
        }


def make(folder: Path) -> Tls:
    """Make authority, certificate and password in a new `folder`.

    Raises ToolMissingError, BrokerFailedError.
    """
    folder.mkdir(mode=0o700)
    tls = Tls(folder / "broker.p12", folder / "ca.pem", secrets.token_urlsafe(24))
    _password_file(folder).write_text(tls.password, encoding="ascii")
    _keytool(tls, "-genkeypair", "-alias", "ca", "-dname", "CN=Switchboard embedded Kafka CA", *_KEY,
             "-ext", "bc:critical=ca:true", "-ext", "ku:critical=keyCertSign,cRLSign")  # fmt: skip
    _keytool(tls, "-genkeypair", "-alias", "broker", "-signer", "ca", "-dname", "CN=localhost", *_KEY,
             "-ext", f"san=ip:{HOST},dns:localhost", "-ext", "eku=serverAuth")  # fmt: skip
    tls.ca_file.write_text(_keytool(tls, "-exportcert", "-rfc", "-alias", "ca"), encoding="ascii")
    # With two keys in the store the broker might present the authority's.
    _keytool(tls, "-delete", "-alias", "ca")
    return tls


def load(folder: Path) -> Tls:
    """What `make` left in `folder`."""
    return Tls(folder / "broker.p12", folder / "ca.pem", _password_file(folder).read_text(encoding="ascii"))


def _password_file(folder: Path) -> Path:
    return folder / "password"


def _keytool(tls: Tls, *arguments: str) -> str:
    # The password goes by the environment: arguments can be read by every user of the machine.
    store = ["-keystore", str(tls.keystore), "-storetype", "PKCS12", "-storepass:env", "P"]
    return run(
        [find("keytool"), *(f"-J{option}" for option in QUICK_JVM), *arguments, *store],
        what="keytool",
        timeout_s=_TIMEOUT_S,
        env={**os.environ, "P": tls.password},
    )
