"""Flows at Twilio: found by sid in whichever account has them, with any of their revisions."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from twilio.base.exceptions import TwilioRestException

from services.operations.calling import PAGE_SIZE, Account, TwilioError, asking

LATEST, LATEST_PUBLISHED = "LatestRevision", "LatestPublished"
_NOT_FOUND = 404
# Twilio: the definition is invalid; `details` say where.
INVALID_DEFINITION = 81022

# The webhook of a flow, as Twilio tells it of each.
_WEBHOOK = re.compile(
    r"https?://webhooks\.twilio\.com/v1/Accounts/AC[0-9a-fA-F]{32}/Flows/(FW[0-9a-fA-F]{32})", re.ASCII
)


class Flow(NamedTuple):
    """One revision of a flow. `status`: draft or published; `revision` counts from 1."""

    account: Account
    sid: str
    name: str
    revision: int
    status: str
    definition: Mapping[str, Any]


def flow(accounts: Iterable[Account], sid: str, revision: str = LATEST) -> Flow:
    """A revision of the flow, by number, LATEST or LATEST_PUBLISHED. Raises TwilioError."""
    for account in accounts:
        with asking(account, "show a flow"):
            try:
                found = account.client.studio.v2.flows(sid).revisions(revision).fetch()
            except TwilioRestException as error:
                if error.status != _NOT_FOUND:
                    raise
                continue
        return Flow(account, sid, found.friendly_name, found.revision, str(found.status), found.definition)
    raise TwilioError(
        f"no account of these tenants has a flow {sid} with revision {revision}; `switchboard studio export` without a "
        "flow writes all there are"
    )


def flow_of(url: str) -> str | None:
    """The flow that a webhook's URL leads to; None for one that leads elsewhere."""
    found = _WEBHOOK.match(url)
    return found[1] if found else None


def sids(account: Account) -> Iterator[str]:
    """All flows of an account. Raises TwilioError."""
    with asking(account, "list the flows"):
        yield from (found.sid for found in account.client.studio.v2.flows.stream(page_size=PAGE_SIZE))


def faults(account: Account, name: str, definition: str) -> list[str]:
    """What Twilio finds wrong with a definition, a sentence each; nothing where it is valid. Raises TwilioError."""
    with asking(account, "validate a flow"):
        try:
            account.client.studio.v2.flow_validate.update(friendly_name=name, status="published", definition=definition)
        except TwilioRestException as error:
            if error.code != INVALID_DEFINITION:
                raise
            return _sentences(error)
    return []


def _sentences(error: TwilioRestException) -> list[str]:
    """What the details hold is not documented: as sentences where they are errors with a path, else as they are."""
    details = error.details or {}
    found = details.get("errors") if isinstance(details, dict) else None
    if not isinstance(found, list) or not found:
        return [f"{error.msg} {details}"]
    return [
        f"{one.get('property_path', '?')}: {one.get('message', one)}" if isinstance(one, dict) else str(one)
        for one in found
    ]
