"""`switchboard backfill`: what Twilio has and the log lacks, shown, and with --apply injected."""

from datetime import timedelta
from typing import Annotated

import typer
from rich.text import Text

from services.cli.attended import attend
from services.cli.backfill.compare import Comparison, compare, compare_opt_outs
from services.cli.backfill.errors import BackfillError
from services.cli.backfill.injection import inject
from services.cli.backfill.lacking import Asker
from services.cli.backfill.report import listing_of, summary, table
from services.cli.backfill.window import Window, window
from services.cli.bars import Bars
from services.cli.console import make_console
from services.cli.times import Time
from services.cli.whose import recognised
from services.contract.topics import CONSENT, INBOUND, SENT, STATUS
from services.domain.clock import later
from services.operations.log import check, heed_stop, readable
from services.runtime.clock import CLOCK, now
from services.runtime.config import Settings, load
from services.runtime.policy import words_of
from services.runtime.tenants.opening import tenants_of
from services.runtime.tenants.settings import TenantSettings

_PLAIN_WIDTH = 200
# What Twilio keeps messages for; it lists no older ones.
_THIRTEEN_MONTHS_S = 400 * 86_400.0
# Evidence of consent is kept for ever.
_FOR_EVER = timedelta(days=36_500)
_KEPT = min(topic.retention for topic in (INBOUND, STATUS) if topic.retention)


class _Work:
    """One run of the command, and how far it came."""

    def __init__(self, settings: Settings, tenant: TenantSettings, asker: Asker, asked: Window, opt_outs: bool) -> None:
        self._settings = settings
        self._tenant = tenant
        self._opt_outs = opt_outs
        self._asker = asker
        self._window = asked
        self._console = make_console()
        self.injected = 0

    async def run(self, apply: bool) -> None:
        """Compare, show, and inject if asked to. Raises ConfigError with a sentence for whatever is in the way."""
        await check(self._settings.kafka, [topic.name for topic in (INBOUND, STATUS, SENT, CONSENT)])
        bars, look = Bars(), compare_opt_outs if self._opt_outs else compare
        with bars.progress, readable(self._settings.kafka):
            comparison = await look(self._settings, self._tenant, self._asker, self._window, bars)
        heed_stop()
        self._tell(comparison)
        if not comparison.lacking:
            return
        if not apply:
            self.say("Nothing was written. Run it with --apply to inject what is lacking.")
            return
        await self._inject(comparison)
        self.say(f"{self.injected:,} facts were injected, with provenance backfill.")

    async def _inject(self, comparison: Comparison) -> None:
        bars, total = Bars(), len(comparison.lacking)

        def acknowledged() -> None:
            self.injected += 1
            bars.show("injected", self.injected, total)

        with bars.progress:
            await inject(self._settings.kafka, [one.event for one in comparison.lacking], acknowledged)

    def so_far(self) -> str:
        """What a stopped run has done, as a sentence; empty if nothing."""
        return f"{self.injected:,} facts were injected before that; they stay, and are facts." if self.injected else ""

    def say(self, line: str, style: str = "") -> None:
        self._console.print(Text(line, style), soft_wrap=True)

    def _tell(self, comparison: Comparison) -> None:
        tenant = self._tenant
        account = f"account {tenant.account_sid}" + (", without its subaccounts" if tenant.subaccounts else "")
        self.say(f"{self._asker.tenant} ({account}), from {self._window.since} to {self._window.until}:")
        what = "opt-outs, opt-ins and refusals" if self._opt_outs else "messages"
        self.say(f"{comparison.messages:,} {what} at Twilio. The log lacks {summary(comparison.lacking)}.", "bold")
        if comparison.lacking:
            # Where nobody looks, lines may be as long as they are.
            width = None if self._console.is_terminal else _PLAIN_WIDTH
            self._console.print(table(comparison.lacking), width=width, crop=False)
        for line in listing_of(comparison.unattributed):
            self.say(line, "yellow")


def backfill(
    tenant: Annotated[str, typer.Option(help="Whose messages.")],
    since: Time = None,
    until: Time = None,
    opt_outs: Annotated[
        bool, typer.Option("--opt-outs", help="Only STOPs, STARTs and what was refused for them; by default 13 months.")
    ] = False,
    apply: Annotated[bool, typer.Option("--apply", help="Inject what is lacking; else it is only shown.")] = False,
) -> None:
    """Find what Twilio has of a time range and the log lacks; with --apply, inject it. The default is the last 24 h.

    Nothing is ever sent to anybody. A second run injects nothing twice. Subaccounts are not asked.
    """
    works: list[_Work] = []

    async def work() -> None:
        works.append(await _prepare(load(), tenant, (since, until), opt_outs))
        await works[0].run(apply)

    attend(work, lambda: works[0].so_far() if works else "", "Stopped. A second run finds what is still lacking.")


async def _prepare(settings: Settings, tenant: str, asked: tuple[str | None, str | None], opt_outs: bool) -> _Work:
    if settings.clock_skew_file is not None:
        CLOCK.follow(settings.clock_skew_file)
    tenants = tenants_of(settings)
    if tenant not in tenants:
        known = ", ".join(tenants) or "none"
        raise BackfillError(f"no tenant {tenant!r}; the settings know: {known}")
    asked_of = tenants[tenant]
    secret = await recognised(settings.kafka, tenant, asked_of)
    asker = Asker(tenant, secret, words_of(asked_of.consent))
    if opt_outs:
        since, until = asked
        range_ = window(since or later(now(), -_THIRTEEN_MONTHS_S), until, now(), _FOR_EVER)
    else:
        range_ = window(*asked, now(), _KEPT)
    return _Work(settings, asked_of, asker, range_, opt_outs)
