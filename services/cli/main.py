"""The `switchboard` command."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated

import typer

from services.cli import ambiguous, check, config, contact, topics, trace, why
from services.cli.backfill import main as backfill
from services.cli.dead import main as dead
from services.cli.demo import main as demo
from services.cli.rebuild import main as rebuild
from services.cli.replay import main as replay
from services.ingress import main as ingress
from services.processor import main as processor
from services.runtime import logs
from services.runtime.clock import CLOCK
from services.runtime.config import ConfigError, Settings, load
from services.runtime.process import run
from services.sender import main as sender
from services.simulator import app as simulator

app = typer.Typer(
    name="switchboard",
    help="Twilio on Kafka: signed webhooks in, folds over an append-only log, safe sends out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(topics.app, name="topics")
app.add_typer(config.app, name="config")
app.add_typer(ambiguous.app, name="ambiguous")
app.add_typer(dead.app, name="dead")
app.command("trace")(trace.trace)
app.command("why")(why.why)
app.command("contact")(contact.contact)
app.command("check")(check.check)
app.command("demo")(demo.demo)
app.command("backfill")(backfill.backfill)
app.command("replay")(replay.replay)
app.command("rebuild")(rebuild.rebuild)

Service = Callable[[Settings, asyncio.Event], Awaitable[None]]


@app.callback()
def _options(
    settings_file: Annotated[
        Path | None, typer.Option("--config", help="The settings file; also SWITCHBOARD_CONFIG.")
    ] = None,
) -> None:
    if settings_file is not None:
        os.environ["SWITCHBOARD_CONFIG"] = str(settings_file)


@app.command("ingress")
def run_ingress() -> None:
    """Take Twilio's webhooks in: verify, write to the log, acknowledge."""
    _serve("ingress", ingress.run, _needs_tenants)


@app.command("processor")
def run_processor() -> None:
    """Fold the log into tables and derived topics, and answer questions about them."""
    _serve("processor", processor.run, _needs_topics)


@app.command("sender")
def run_sender() -> None:
    """Turn commands into Twilio calls, at most once."""
    _serve("sender", sender.run, _needs_topics)


@app.command("simulator")
def run_simulator() -> None:
    """Run a Twilio on loopback: REST, signed webhooks, faults."""
    _serve("simulator", _simulate, _needs_tenants)


def main() -> None:
    """The entry point; settings that cannot be used are a sentence, not a stack trace."""
    try:
        app()
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)


def _serve(name: str, service: Service, check: Callable[[Settings], Awaitable[None]]) -> None:
    logs.configure(name, os.environ.get("SWITCHBOARD_LOG_LEVEL", "INFO"))
    settings = load()
    CLOCK.follow(settings.clock_skew_file)

    async def checked(stop: asyncio.Event) -> None:
        await check(settings)
        await service(settings, stop)

    raise typer.Exit(run(checked))


async def _simulate(settings: Settings, stop: asyncio.Event) -> None:
    async with simulator.serve(settings) as url:
        sys.stderr.write(f"a Twilio to try things on: {url} (TWILIO's API; steer it under {url}/simulator/)\n")
        await stop.wait()


async def _needs_tenants(settings: Settings) -> None:
    if not settings.tenants:
        raise ConfigError("tenants: none is configured; name at least one with its account_sid and auth_tokens")


async def _needs_topics(settings: Settings) -> None:
    await _needs_tenants(settings)
    if found := await topics.obstacles(settings):
        raise ConfigError("\n".join(found))
