"""What somebody writes has a message sent: from the webhook to Twilio, by every service."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from services.contract.outbound import RESULTS
from services.embedded.ports import pick
from tests.cases.house import NUMBER, House, Tenant, sid
from tests.cases.tenants import ON_CALL
from tests.processes import running
from tests.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="package")
# Her own: whom another case has say STOP, Twilio lets nobody write to.
PERSON = "+14155550196"
# What other cases have lost on purpose it would find.
ALONE = {
    "SWITCHBOARD_POLLER__SILENT_AFTER_S": '{"sms": 1e9}',
    "SWITCHBOARD_POLLER__RECONCILE_AT": "",
}


async def test_a_message_to_who_is_on_call_and_none_because_of_a_stop(
    tenant: Callable[[str], Tenant], house: House, tmp_path: Path
) -> None:
    """ONCALL reaches who is on call, once; who has said STOP gets nothing, and a STOP tells nobody of itself."""
    one, port = tenant("oncall"), pick()

    async def got(person: str) -> list[tuple[str, str]]:
        return [(each["from"], each["body"]) for each in await one.created() if each["to"] == person]

    def ends(step: str) -> list[dict[str, Any]]:
        return [each for each in one.events(RESULTS.name) if each["terminal"] and each["step"] == step]

    own = {"SWITCHBOARD_POLLER__PORT": str(port), "SWITCHBOARD_POLLER__DATA_DIR": str(tmp_path / "tables")}
    with running("poller", house.settings, tmp_path, port, **own, **ALONE):
        # The webhook comes twice, and by the fallback too.
        same = {"MessageSid": sid()}
        for _ in range(2):
            await one.hear("oncall the lift is stuck", PERSON, **same)
        await one.post("fallback", {"From": PERSON, "To": NUMBER, "Body": "oncall the lift is stuck", **same})
        await eventually(lambda: got(ON_CALL), 60, "who is on call has it")
        await one.hear("call me", PERSON)
        await eventually(lambda: got(PERSON), 30, "who wrote is answered")
        assert await got(ON_CALL) == [("+14155550101", f"{PERSON}: the lift is stuck")]
        # By the sender that they wrote to.
        assert await got(PERSON) == [(NUMBER, f"We call you at {PERSON}.")]

        await one.hear("STOP", ON_CALL, "+14155550101")
        await one.hear("oncall and now it burns", PERSON)
        [blocked] = await eventually(lambda: ends("blocked"), 30, "the gate says no")
        assert blocked["command_id"].startswith("rule-")
        assert blocked["category"] == "suppressed"
        assert len(await got(ON_CALL)) == 1
        assert len(ends("sent")) == 2
