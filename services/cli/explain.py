"""`switchboard explain [CODE]…`: what Twilio's error codes mean, whose fault each is, and what to do."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from services.cli.plain import plain
from services.domain.codes.info import ErrorInfo
from services.domain.errors import CATALOGUE, UNKNOWN, explain

_PAGE = """# Error codes

For those who find a Twilio error code in a result, a report or an alert, and want to know what to do.

`switchboard explain 30007 63049` says it in a terminal; without a code it lists all. This page is made from the same
catalogue (`services/domain/codes`) by `switchboard explain --markdown`, and a test holds it current.

- **Whose fault**: who has to mend it. `house`: our own setup, so all lanes stop on a refusal that says so. `account`:
  that Twilio account; its lanes stop. `sender`: that sender; its lane stops. `command`: this one command ends.
- **Of the person**: what the code says of whom the message was for, on that channel and to that sender. `opted_out`:
  they refused, and are suppressed. `unreachable`: this address can't be reached there at all. `out_of_reach`: it could
  not be reached now. `window_closed`: WhatsApp's 24 hours are over. `marketing_capped`: Meta gives them no more
  marketing for now.
- **Again**: whether the sender repeats the call by itself. It does so only where the refusal proves that no message was
  created.

A code that is not here is `unknown`: the message is told with it all the same, nothing is repeated, and the code is
counted by number in `switchboard_unknown_error_codes_total` at `/metrics` of sender and processor. Look it up in
[Twilio's error dictionary](https://www.twilio.com/docs/api/errors).

Not confirmed: codes that Twilio added after February 2025 and that no page of theirs told us of are missing. 30036
meant for RCS, until August 2026, what 30046 means now.

"""


def explain_codes(
    codes: Annotated[
        list[int] | None, typer.Argument(metavar="CODE", help="Codes, such as 30007; default: all.")
    ] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Write the page docs/errors.md.")] = False,
) -> None:
    """Say what error codes mean and what to do. Exit 1 when none of them is known."""
    if markdown:
        typer.echo(page(), nl=False)
        return
    asked = codes or sorted(CATALOGUE)
    table = Table(show_lines=True)
    for title in ("code", "kind", "whose fault", "of the person", "again", "what to do"):
        table.add_column(title)
    for code in asked:
        table.add_row(*map(plain, _cells(code, explain(code))))
    Console().print(table)
    if not any(code in CATALOGUE for code in asked):
        raise typer.Exit(1)


def page() -> str:
    """docs/errors.md."""
    lines = [
        "| Code | Kind | Whose fault | Of the person | Again | What to do |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    lines += [f"| {' | '.join(_cells(code, CATALOGUE[code]))} |" for code in sorted(CATALOGUE)]
    return _PAGE + "\n".join(lines) + "\n"


def _cells(code: int, info: ErrorInfo) -> tuple[str, ...]:
    if info is UNKNOWN:
        return str(code), info.category, "", "", "no", info.remedy
    return str(code), info.category, info.fault, info.tells or "", "yes" if info.retryable else "no", info.remedy
