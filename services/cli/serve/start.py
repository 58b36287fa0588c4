"""How a service starts: its settings, its tenants, what it needs to be there."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import typer

from services.contract import access
from services.operations.topics import obstacles
from services.runtime import about, logs
from services.runtime.clock import CLOCK
from services.runtime.config import Settings, load
from services.runtime.process import run
from services.runtime.section import ConfigError
from services.runtime.tenants.known import KnownTenants
from services.runtime.tenants.live import Tenants
from services.runtime.tenants.opening import opened
from services.runtime.tenants.watching import Compare

Service = Callable[[Settings, Tenants, asyncio.Event], Awaitable[None]]


class Served(NamedTuple):
    """A service, and how it holds tenants that are new to it against what is known of them.

    `within_s`: it starts after so many seconds also where some were not compared yet; None: after all were.
    """

    run: Service
    compare: Compare | None = None
    within_s: float | None = None


def worker(run: Service) -> Callable[[Settings], Served]:
    """A service that asks the log whom it knows."""
    return lambda settings: Served(run, KnownTenants(settings.kafka).refusals)


def serve(name: str, of: Callable[[Settings], Served], check: Callable[[Settings], Awaitable[None]]) -> None:
    """Run it until it is told to stop, and exit with its code. Raises ConfigError."""
    logs.configure(name, os.environ.get("SWITCHBOARD_LOG_LEVEL", "INFO"))
    settings = load()
    CLOCK.follow(settings.clock_skew_file)
    about.show(settings)
    service = of(settings)
    tenants, watch = opened(settings, service.compare)

    async def checked(stop: asyncio.Event) -> None:
        await check(settings)
        async with watch.running(service.within_s):
            await service.run(settings, tenants, stop)

    raise typer.Exit(run(checked, watch.again))


async def needs_tenants(settings: Settings) -> None:
    """Raises ConfigError where there is nobody to serve."""
    if not settings.tenants and settings.tenants_dir is None:
        raise ConfigError(
            "tenants: none is configured; name one with its account_sid and auth_tokens, or a folder in tenants_dir"
        )


async def needs_topics(service: str, settings: Settings) -> None:
    """Raises ConfigError where its topics are not there as they are wanted."""
    await needs_tenants(settings)
    if found := await obstacles(
        settings, access.topics_of(service, settings.kafka.tenant_topics, settings.processor.groups)
    ):
        raise ConfigError("\n".join(found))
