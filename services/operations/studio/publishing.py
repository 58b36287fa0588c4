"""Making a definition a flow's latest revision, as a draft or for everybody.

Twilio makes a revision of each update, and takes none away: to go back is to publish what an older one says, anew.
"""

import json
from collections.abc import Mapping

from services.operations.calling import Account
from services.operations.changing import Change
from services.operations.studio.files import Definition, digest
from services.operations.studio.reading import LATEST, Flow, flow


def planned(now: Flow, definition: Definition, draft: bool, why: str) -> tuple[Change, ...]:
    """What is to be done so that the latest revision says this; nothing where it does. `now`: the latest as it is.

    `why` is the revision's commit message.
    """
    before = {"definition": digest(now.definition), "status": now.status}
    after = {"definition": digest(definition), "status": "draft" if draft else "published"}
    if before == after:
        return ()
    account = now.account
    subject = f"Accounts/{account.sid}/Flows/{now.sid}"
    return (Change(account.tenant, account.sid, "flow", now.sid, subject, now.name, why, before, after),)


class FlowHands:
    """For one definition of one flow."""

    def __init__(self, account: Account, definition: Definition) -> None:
        self._account, self._definition = account, definition

    def look(self, change: Change) -> Mapping[str, str]:
        latest = flow([self._account], change.sid, LATEST)
        return {"definition": digest(latest.definition), "status": latest.status}

    def make(self, change: Change) -> None:
        self._account.client.studio.v2.flows(change.sid).update(
            status=change.after["status"], definition=json.dumps(self._definition), commit_message=change.why
        )
