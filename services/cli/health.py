"""`switchboard health`: does a service on this machine, or in this container, say that it can work?"""

import sys
from typing import Annotated

import requests
import typer
from rich.console import Console

from services.cli.refused import Refused
from services.runtime.config import Settings, load
from services.runtime.section import ConfigError
from services.runtime.sections.processor import EVERY_ADDRESS

_TIMEOUT_S = 3


def health(
    service: Annotated[
        str | None, typer.Argument(help="ingress, processor, sender, poller or media; whoever answers, if left out.")
    ] = None,
) -> None:
    """Ask the service's /readyz. Exit code 0: it can work, maybe degraded; 1: it cannot, or nobody answers."""
    places = _places(load())
    if service is not None and service not in places:
        raise Refused(f"{service}: there is no such service; name one of {', '.join(places)}")
    asked = {name: url for name, url in places.items() if service in (None, name)}
    answers = {name: found for name, url in asked.items() if (found := _ask(url)) is not None}
    console = Console(highlight=False, soft_wrap=True)
    for name, (_, said) in answers.items():
        console.print(f"{name}: {said}", markup=False)
    if not answers:
        console.print(f"nobody answers at {', '.join(asked.values())}; is it still starting?", markup=False)
    if not answers or not all(ready for ready, _ in answers.values()):
        raise typer.Exit(1)


def _places(settings: Settings) -> dict[str, str]:
    ingress, processor, sender, poller = settings.ingress, settings.processor, settings.sender, settings.poller
    places = {
        "ingress": (ingress.operations_host, ingress.operations_port),
        "processor": (processor.operations_host, processor.operations_port),
        "sender": (sender.host, sender.port),
        "poller": (poller.host, poller.port),
        "media": (settings.media.host, settings.media.port),
    }
    return {
        name: f"http://{'127.0.0.1' if host in EVERY_ADDRESS else host}:{port}" for name, (host, port) in places.items()
    }


def _ask(url: str) -> tuple[bool, str] | None:
    """Whether it is ready, and what it says; None where nobody listens."""
    with requests.Session() as session:
        # It is asked directly, whatever proxy leads to Twilio.
        session.trust_env = False
        try:
            answer = session.get(f"{url}/readyz", timeout=_TIMEOUT_S)
        except requests.Timeout:
            return False, f"no answer from {url} within {_TIMEOUT_S} s"
        except requests.ConnectionError:
            return None
    return answer.status_code == requests.codes.ok, answer.text


if __name__ == "__main__":
    # An image asks every few seconds: the whole of `switchboard` takes too long to load.
    try:
        typer.run(health)
    except ConfigError as error:
        sys.exit(str(error))
