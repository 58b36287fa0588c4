"""`switchboard config`: are the settings usable, before anything starts?"""

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich.console import Console

from services.cli.plain import plain
from services.domain.consent.keywords import STOP, normalise, stop_word
from services.ingress.routing import Routes
from services.runtime.callbacks import uncallable
from services.runtime.clock import now
from services.runtime.config import Settings, load, settings_file
from services.runtime.regions import regional
from services.runtime.section import ConfigError
from services.runtime.tenants.comparing import compared
from services.runtime.tenants.known import KnownTenants, NotKnown
from services.runtime.tenants.live import Tenants
from services.runtime.tenants.opening import found_at, tenants_of
from services.runtime.tenants.settings import TenantSettings
from services.runtime.tls import ssl_context

app = typer.Typer(help="Look at the settings.", no_args_is_help=True)


@app.command()
def check(
    log: Annotated[
        bool, typer.Option("--log", help="Ask Kafka too: is each tenant still the one that the log knows?")
    ] = False,
) -> None:
    """Read the settings, the tenants' folder and every secret they name: each fault with its key (exit 2), or what
    would run.

    Settings without a tenant, and a public URL that Twilio cannot call, are faults here.
    """
    settings = load()
    ssl_context(settings.kafka)
    tenants = tenants_of(settings)
    console = Console(soft_wrap=True)
    console.print(f"file       {settings_file() or 'none; all comes from the environment'}", highlight=False)
    console.print(f"twilio     {urlsplit(settings.twilio.api).netloc}{_which(settings.twilio.api)}", highlight=False)
    console.print(f"kafka      {settings.kafka.bootstrap} ({settings.kafka.security_protocol})", highlight=False)
    console.print(f"public url {settings.public_url}", highlight=False)
    for name, tenant in tenants.items():
        closed = ", closed" if tenant.state == "closed" else ""
        host = urlsplit(regional(settings.twilio.api, tenant.region))
        console.print(
            f"tenant     {name}: {tenant.account_sid[:6]}…, {len(tenant.auth_tokens)} auth token(s), "
            f"{len(tenant.subaccounts)} subaccount(s), calls {host.netloc}{host.path}{closed}",
            highlight=False,
        )
        for warning in _warnings(tenant):
            console.print(f"           {name}: {warning}", style="yellow", highlight=False)
    console.print(
        f"webhooks   {settings.public_url}/twilio/messages, …/status, …/fallback: of all tenants,", highlight=False
    )
    console.print(f"           or {settings.public_url}/twilio/TENANT/messages, …: of one", highlight=False)
    for unclear in Routes(tenants).unclear():
        console.print(f"           {unclear}", style="yellow", highlight=False)
    faults = [*tenants.troubles(), *uncallable(settings), *(_strangers(settings, tenants) if log else ())]
    if not tenants and settings.tenants_dir is None:
        faults.append(
            "tenants: none is configured, so nothing can run; name at least one, with its account_sid and auth_tokens, "
            "or a folder (tenants_dir). Is this the file that you meant? One is named by --config or SWITCHBOARD_CONFIG"
        )
    if faults:
        raise ConfigError("\n".join(faults))
    console.print("The settings can be used.", style="green")


def _strangers(settings: Settings, tenants: Tenants) -> list[str]:
    """Those that the log knows otherwise. Nothing is written there."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        return list(asyncio.run(KnownTenants(settings.kafka).refusals(tenants, note=False)).values())
    except NotKnown as error:
        return [f"{error}; check kafka.bootstrap, or leave --log out"]


@app.command()
def diff(
    old: Annotated[Path, typer.Argument(help="A folder of tenants, or a settings file, as services have it.")],
    new: Annotated[Path, typer.Argument(help="The same, as they are to have it.")],
) -> None:
    """Show what a change of tenants means, and for whom. Exit 1: a running service would refuse some of it, or do
    harm by it."""
    found = compared(found_at(old), found_at(new), now())
    console = Console(soft_wrap=True)
    for one in found.changes:
        what = f"{one.tenant}: {one.now}" if not one.key else f"{one.tenant}: {one.key}: {one.was} → {one.now}"
        console.print(plain(what))
        console.print(plain(f"    {one.means}"))
    for refusal in found.refused:
        console.print(plain(f"refused: {refusal}"), style="red")
    for harm in found.harmful:
        console.print(plain(f"harmful: {harm}"), style="red")
    if not found.changes and not found.refused:
        console.print("Nothing changes.")
    if found.refused or found.harmful:
        raise typer.Exit(1)


def _which(api: str) -> str:
    """Whether messages would truly be sent."""
    host = urlsplit(api).hostname or ""
    return (
        " (Twilio itself: messages are sent and cost money)" if host.endswith("twilio.com") else " (not Twilio itself)"
    )


def _warnings(tenant: TenantSettings) -> Iterator[str]:
    """What can be used, but will not do what was meant."""
    words = {normalise(text): rule.name for rule in tenant.keywords if rule.reply for text in rule.says}
    by_sms = "STOP" in tenant.twilio_answers
    for rule in tenant.keywords:
        if rule.command and (stops := sorted(text for text in rule.says if stop_word(text) in STOP)):
            yield f"keywords: {rule.name}: no command is made of {', '.join(stops)}: nothing is sent because of a no"
    for word in sorted(words.keys() & STOP):
        if by_sms:
            yield (
                f"keywords: {words[word]} is not sent by SMS, where Twilio answers STOP itself and refuses any other "
                "answer with 21610; remove it, or take STOP out of twilio_answers where Twilio leaves that to us"
            )
        if tenant.consent.confirm_stop:
            yield (
                f"keywords: {words[word]} is not sent on WhatsApp, where consent.confirm_stop answers a STOP; "
                "remove one of the two"
            )
