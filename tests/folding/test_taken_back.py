"""A number that a carrier took back is left alone in processor and sender alike, whenever its owner said yes."""

from pathlib import Path

import pytest

from services.contract.outbound import ACCEPTED
from services.domain.consent.deactivations import NumbersDeactivated, end_of
from services.domain.messages.number import unreachable
from services.processor.topology import topology
from services.runtime.config import load
from services.runtime.folding.fold import Fold
from services.runtime.tenants.live import Tenants
from services.sender.topology import folds
from tests.domain.suppression_oracle import CONTACT, stated
from tests.folding.ground import Ground, opened
from tests.processes import SECRETS, settings_file

DAY = "2026-02-25"
LIST = NumbersDeactivated(
    event_id="list", key="|every-0", tenant="acme", date=DAY, at=end_of(DAY), contacts=[CONTACT, "acme|nobody"]
)


@pytest.fixture
def product(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Fold]:
    for name, secret in SECRETS.items():
        monkeypatch.setenv(name, secret)
    monkeypatch.setenv("SWITCHBOARD_CONFIG", str(settings_file(tmp_path, "127.0.0.1:9")))
    configured = load()
    return {one.name: one for one in (*topology(configured, {}), *folds(configured, Tenants(configured.tenants)))}


@pytest.mark.parametrize("name", ["contacts", "outbox"])
async def test_who_said_yes_long_ago_is_left_alone_though_no_message_is_known_of(
    product: dict[str, Fold], tmp_path: Path, name: str
) -> None:
    ground = Ground(product[name], opened(product[name], tmp_path / name))
    try:
        for fact, key in ((stated("opt_in", 0), CONTACT), (LIST, LIST.key), (LIST, LIST.key)):
            record = ground.record(fact, ACCEPTED.name, key=key.encode())
            await ground.partition.queue.put(ACCEPTED.name, [record])
            await ground._one_flush()
        number = ground.partition.read(CONTACT, "numbers")
        assert {one.why for one in unreachable(number).values()} == {"deactivated"}
        # Of whom nobody knows nothing is kept.
        assert [ground.partition.read("acme|nobody", table) for table in ("numbers", "suppression")] == [None, None]
    finally:
        await ground.end()
