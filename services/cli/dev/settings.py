"""The settings of `switchboard dev`: the file that it reads, written with a comment on every key if there is none."""

import fcntl
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from string import Template

from services.embedded import ports
from services.local.errors import LocalError
from services.local.layout import NAMES, Layout
from services.runtime.config import Settings, load, settings_file
from services.runtime.tokens import digest, draw

DEFAULT_FILE = "switchboard.yaml"
ACCOUNT = "AC" + "0" * 31 + "1"
_SMS, _WHATSAPP = "+14155550100", "whatsapp:+14155550101"
_PORTS = {
    "ingress": 8080,
    "processor": 8081,
    "sender": 8082,
    "simulator": 8083,
    "kafka": 9092,
    "ingress-operations": 9080,
    "processor-operations": 9081,
    "poller": 8084,
}
_TEMPLATE = Path(__file__).with_name("switchboard.yaml")
_TWILIO = "https://api.twilio.com"


def find(real: bool) -> tuple[Path, bool]:
    """The settings file, and whether it was written just now: the one that is named, else one in this folder.

    One that is written for a real Twilio has the rules of US carriers enforced.
    """
    file = (settings_file() or Path(DEFAULT_FILE)).absolute()
    os.environ["SWITCHBOARD_CONFIG"] = str(file)
    if file.exists():
        return file, False
    _write(file, real)
    return file, True


def data_folder(file: Path) -> Path:
    """Where the data of this settings file lies."""
    return file.parent / ".switchboard"


def steer(real: bool, public_url: str | None) -> dict[str, str]:
    """What the options say in place of the file, set for us and the services: variables that others must export too.

    Without a URL at which it could call us, a real Twilio is polled. Raises LocalError for options that do not go
    together.
    """
    if public_url and not real:
        raise LocalError(
            "--public-url is for --twilio real: the simulated Twilio calls this machine as it is; leave it out"
        )
    told: dict[str, str] = {}
    if real:
        # An emulator that stands for the real one may be named.
        told["SWITCHBOARD_TWILIO__API"] = os.environ.get("SWITCHBOARD_TWILIO__API", _TWILIO)
        told["SWITCHBOARD_TWILIO__POLLED"] = "false" if public_url else "true"
    if public_url:
        told["SWITCHBOARD_PUBLIC_URL"] = public_url.rstrip("/")
    # Of this run alone, unless one is shown already; the services know its hash.
    told["SWITCHBOARD_TOKEN"] = token = os.environ.get("SWITCHBOARD_TOKEN") or draw()
    os.environ.update(told)
    known = {"dev": {"sha256": digest(token), "scope": "unmasked"}}
    os.environ["SWITCHBOARD_PROCESSOR__TOKENS"] = json.dumps(known)
    return told


@contextmanager
def alone(file: Path) -> Iterator[None]:
    """Nobody else runs with these settings while this is open: there is one Kafka in the folder. Raises LocalError."""
    folder = data_folder(file)
    folder.mkdir(parents=True, exist_ok=True)
    # Whoever keeps the settings in a repository does not put data and secrets there.
    (folder / ".gitignore").write_text("*\n", encoding="ascii")
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LocalError(
                f"`switchboard dev` runs already with {file}; stop that one by Ctrl-C, or start this one "
                "in another folder"
            ) from None
        yield


def read(real: bool) -> Settings:
    """The settings as they stand now. Raises ConfigError; LocalError where a real Twilio would not know the account."""
    settings = load()
    if real and (unset := [name for name, one in settings.tenants.items() if one.account_sid == ACCOUNT]):
        raise LocalError(
            f"tenants.{unset[0]}.account_sid is still the placeholder; write your own AC… into {settings_file()}, and "
            f"its auth token into {data_folder(settings_file() or Path())}/secrets/auth-token"
        )
    return settings


def layout_of(settings: Settings, file: Path) -> Layout:
    """Where everything lies and listens."""
    port = {
        "ingress": settings.ingress.port,
        "processor": settings.processor.port,
        "sender": settings.sender.port,
        "poller": settings.poller.port,
        "simulator": settings.simulator.port,
        "ingress-operations": settings.ingress.operations_port,
        "processor-operations": settings.processor.operations_port,
        "kafka": int(settings.kafka.bootstrap.partition(",")[0].rpartition(":")[2]),
    }
    return Layout(data_folder(file), port)


def _write(file: Path, real: bool) -> None:
    folder = data_folder(file)
    (folder / "secrets").mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in ("auth-token", "contact-secret"):
        secret = folder / "secrets" / name
        if not secret.exists():
            secret.touch(mode=0o600)
            secret.write_text(f"{secrets.token_hex(16)}\n", encoding="ascii")
    chosen = _free(_PORTS)
    named = {f"{name.replace('-', '_')}_port": str(chosen[name]) for name in NAMES}
    text = Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        named,
        data=folder,
        account=ACCOUNT,
        sms=_SMS,
        whatsapp=_WHATSAPP,
        # The simulated account has no campaign, and nobody asks for one there.
        registration="enforced" if real else "told",
    )
    file.write_text(text, encoding="utf-8")


def _free(wanted: Mapping[str, int]) -> dict[str, int]:
    """These ports, and others in place of those that are taken now."""
    return {name: port if ports.is_free(port) else ports.pick() for name, port in wanted.items()}
