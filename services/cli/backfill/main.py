"""`switchboard backfill`: what Twilio has and the log lacks, shown, and with --apply injected."""

from typing import Annotated

import typer
from rich.text import Text

from services.cli.attended import attend
from services.cli.backfill.compare import Comparison, compare
from services.cli.backfill.errors import BackfillError
from services.cli.backfill.injection import inject
from services.cli.backfill.lacking import Asker
from services.cli.backfill.report import summary, table
from services.cli.backfill.window import Window, window
from services.cli.bars import Bars
from services.cli.demo.show import make_console
from services.cli.log import check, heed_stop, readable
from services.cli.times import Time
from services.contract.topics import INBOUND, SENT, STATUS
from services.runtime.clock import CLOCK, now
from services.runtime.config import Settings, load
from services.runtime.policy import consent_words

_PLAIN_WIDTH = 200
_KEPT = min(topic.retention for topic in (INBOUND, STATUS) if topic.retention)


class _Work:
    """One run of the command, and how far it came."""

    def __init__(self, settings: Settings, asker: Asker, asked: Window) -> None:
        self._settings = settings
        self._asker = asker
        self._window = asked
        self._console = make_console()
        self.injected = 0

    async def run(self, apply: bool) -> None:
        """Compare, show, and inject if asked to. Raises ConfigError with a sentence for whatever is in the way."""
        await check(self._settings.kafka, [topic.name for topic in (INBOUND, STATUS, SENT)])
        bars = Bars()
        with bars.progress, readable(self._settings.kafka):
            comparison = await compare(self._settings, self._asker, self._window, bars)
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
        tenant = self._settings.tenants[self._asker.tenant]
        account = f"account {tenant.account_sid}" + (", without its subaccounts" if tenant.subaccounts else "")
        self.say(f"{self._asker.tenant} ({account}), from {self._window.since} to {self._window.until}:")
        self.say(f"{comparison.messages:,} messages at Twilio. The log lacks {summary(comparison.lacking)}.", "bold")
        if comparison.lacking:
            # Where nobody looks, lines may be as long as they are.
            width = None if self._console.is_terminal else _PLAIN_WIDTH
            self._console.print(table(comparison.lacking), width=width, crop=False)


def backfill(
    tenant: Annotated[str, typer.Option(help="Whose messages.")],
    since: Time = None,
    until: Time = None,
    apply: Annotated[bool, typer.Option("--apply", help="Inject what is lacking; else it is only shown.")] = False,
) -> None:
    """Find what Twilio has of a time range and the log lacks; with --apply, inject it. The default is the last 24 h.

    Nothing is ever sent to anybody. A second run injects nothing twice. Subaccounts are not asked.
    """
    works: list[_Work] = []

    async def work() -> None:
        works.append(_prepare(load(), tenant, since, until))
        await works[0].run(apply)

    attend(work, lambda: works[0].so_far() if works else "", "Stopped. A second run finds what is still lacking.")


def _prepare(settings: Settings, tenant: str, since: str | None, until: str | None) -> _Work:
    if settings.clock_skew_file is not None:
        CLOCK.follow(settings.clock_skew_file)
    if tenant not in settings.tenants:
        known = ", ".join(settings.tenants) or "none"
        raise BackfillError(f"no tenant {tenant!r}; the settings know: {known}")
    secret = settings.tenants[tenant].contact_secret.get_secret_value().encode()
    asker = Asker(tenant, secret, consent_words(settings)[tenant])
    return _Work(settings, asker, window(since, until, now(), _KEPT))
