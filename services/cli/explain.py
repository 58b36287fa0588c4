"""`switchboard explain [CODE]…`: what Twilio's error codes mean, what comes of each, and what to do."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from services.cli.plain import plain
from services.domain.codes.info import ErrorInfo
from services.domain.errors import CATALOGUE, explain

_PAGE = """# Error codes

For those who find a Twilio error code in a result, a report or an alert, and want to know what to do.

`switchboard explain 30007 63049` says it in a terminal; without a code it lists all. This page is made from the same
table (`services/domain/codes`) by `make docs`. The sender and the processor go by it, and by no other.

- **A refused call**: what becomes of the command. `ends`: it failed; a correction is a new command. `waits`: it is
  tried again by itself, after a back-off that grows to a minute, or after Twilio's `Retry-After`. That is done only
  where the refusal proves that no message was created. `waits_for_mending`: it keeps its place until what is at fault
  is mended; one is tried now and then, at most every five minutes. No command waits beyond its `not_after`.
- **Holds**: what else is held, and who has to mend it. `house`: our own setup; all lanes stop. `account`: that Twilio
  account; its lanes stop. `sender`: that sender, where it is known as one of ours; its lane stops. `template`: what
  names it is blocked once the poller has read it. With a `*`, a message's end that says so counts as
  well, though no call was refused: an account is paused until `switchboard resume`, a sender is out for six hours.
- **Of the person**: what the code says of whom the message was for, on that channel and to that sender. `opted_out`:
  they refused, and are suppressed. `unreachable`: this address can't be reached there at all. `out_of_reach`: it could
  not be reached now. `landline`: it takes no texts. `no_mms`: it takes no MMS. `window_closed`: WhatsApp's 24 hours are
  over. `marketing_capped`: Meta gives them no more marketing for now.

A code that is not here is `unknown`: the message is told with it all the same, nothing is repeated, and the code is
counted by number in `switchboard_unknown_error_codes_total` at `/metrics` of sender and processor. Look it up in
[Twilio's error dictionary](https://www.twilio.com/docs/api/errors).

A result of a refused call, or of one whose end is unknown, has Twilio's name for the call, `twilio_request_id` (RQ…):
Twilio's support finds it by that. `switchboard trace` shows it, and the log line has it.

Not confirmed: codes that Twilio added after February 2025 and that no page of theirs told us of are missing. 30036
meant for RCS, until August 2026, what 30046 means now. What 68008 is, which the dictionary of 2025 lacks. The rest is
from Twilio's error dictionary as of February 2025, and from pages of single codes since: 30046, 30047, 57012 and 606xx.

"""
_TITLES = ("code", "kind", "a refused call", "holds", "of the person", "what to do")


def explain_codes(
    codes: Annotated[
        list[int] | None, typer.Argument(metavar="CODE", help="Codes, such as 30007; default: all.")
    ] = None,
) -> None:
    """Say what error codes mean and what to do. Exit 1 when none of them is known."""
    asked = codes or sorted(CATALOGUE)
    table = Table(show_lines=True)
    for title in _TITLES:
        # A URL is told whole, however narrow the terminal.
        table.add_column(title, overflow="fold")
    for code in asked:
        table.add_row(*map(plain, _cells(code, explain(code))))
    Console().print(table)
    if not any(code in CATALOGUE for code in asked):
        raise typer.Exit(1)


def page() -> str:
    """docs/errors.md."""
    lines = [f"| {' | '.join(_TITLES)} |", f"|{' --- |' * len(_TITLES)}"]
    lines += [f"| {' | '.join(_cells(code, CATALOGUE[code]))} |" for code in sorted(CATALOGUE)]
    return _PAGE + "\n".join(lines) + "\n"


def _cells(code: int, info: ErrorInfo) -> tuple[str, ...]:
    held = f"{info.holds}{' *' if info.by_callback else ''}" if info.holds else ""
    return str(code), info.category, info.then, held, info.tells or "", info.remedy
