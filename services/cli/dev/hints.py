"""What is told once all is up: lines for another terminal, each of which works as it stands."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from shlex import quote
from shutil import which
from urllib.parse import urlsplit

from rich.console import Console
from rich.text import Text

from services.contract.messages import MESSAGES
from services.contract.outbound import RESULTS
from services.runtime.config import Settings, settings_file

_PERSON = "+14155550123"


def tell_hints(console: Console, settings: Settings, steered: Mapping[str, str]) -> None:
    """Lines to be copied, so none is wrapped. `steered`: the variables that stand beside the settings file."""
    console.print(Text("\nAll is up until Ctrl-C. In another terminal:\n", "bold"))
    for line in (*_exports(settings, steered), *_examples(settings)):
        console.print(Text(f"  {line}"), soft_wrap=True)
    if which("kcat") is None:
        console.print(
            "\nThere is no kcat here. docs/quickstart.md says the same in Python and in Node.", soft_wrap=True
        )
    console.print()


def _exports(settings: Settings, steered: Mapping[str, str]) -> list[str]:
    named = {"SWITCHBOARD_CONFIG": str(settings_file()), **steered, "BOOTSTRAP": settings.kafka.bootstrap}
    words = " ".join(f"{name}={quote(value)}" for name, value in named.items())
    # So that `switchboard` is found there too.
    return [f'export {words} PATH="{Path(sys.executable).parent}:$PATH"']


def _examples(settings: Settings) -> list[str]:
    name, tenant = next(iter(settings.tenants.items()))
    senders = [one for one in tenant.allowed_senders if one.startswith("+")]
    sender = senders[0] if senders else "+14155550100"
    command = {"command_id": "hello-1", "tenant": name, "to": _PERSON, "from": sender, "body": "Hello"}
    lines = [
        f"echo {quote(json.dumps(command))} | kcat -P -b $BOOTSTRAP -t {MESSAGES.name}",
        f"kcat -C -b $BOOTSTRAP -t {RESULTS.name} -o beginning -e -q",
        f"switchboard trace hello-1 --tenant {name}",
    ]
    if settings.simulator.port == urlsplit(settings.twilio.api).port:
        heard = {"account_sid": tenant.account_sid, "from": _PERSON, "to": sender, "body": "STOP"}
        lines.append(f"curl -s {settings.twilio.api}/simulator/inbound -d {quote(json.dumps(heard))}")
    return lines
