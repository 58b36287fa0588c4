"""`switchboard config`: are the settings usable, before anything starts?"""

import typer
from rich.console import Console

from services.runtime.config import load
from services.runtime.kafka import ssl_context

app = typer.Typer(help="Look at the settings.", no_args_is_help=True)


@app.command()
def check() -> None:
    """Read the settings and every secret they name: each fault with its key (exit 2), or what would run."""
    settings = load()
    ssl_context(settings.kafka)
    console = Console()
    console.print(f"kafka      {settings.kafka.bootstrap} ({settings.kafka.security_protocol})", highlight=False)
    console.print(f"public url {settings.public_url}", highlight=False)
    for name, tenant in settings.tenants.items():
        console.print(
            f"tenant     {name}: {tenant.account_sid[:6]}…, {len(tenant.auth_tokens)} auth token(s), "
            f"{len(tenant.subaccounts)} subaccount(s)",
            highlight=False,
        )
    if not settings.tenants:
        console.print("tenants    none; every webhook is answered 404 and every command is rejected", style="yellow")
    console.print("The settings can be used.", style="green")
