"""What a stranger's request costs, without HTTP: milliseconds, where it was 145. `make bench` has the table."""

from time import process_time
from typing import Any, cast

import pytest

from services.ingress.durable import DurableLog
from services.ingress.receiving import Webhooks
from services.ingress.webhook import Call
from services.runtime.tenants.live import Tenants
from tests.fuzz import costly
from tests.ingress.rig import settings
from tests.ingress.signing import ACCOUNT

# Seconds, on a machine that other tests use too.
MOST = 0.008


@pytest.mark.parametrize("name", [name for name in costly.requests(ACCOUNT) if "chunks" not in name])
def test_a_refusal_costs_little(name: str, tmp_path: Any) -> None:
    chosen = settings(tmp_path)
    webhooks = Webhooks(chosen, Tenants(chosen.tenants), cast(DurableLog, None))
    head, _, body = costly.requests(ACCOUNT)[name].partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    method, target, _ = first.split()
    call = Call(method, target, dict(line.split(": ", 1) for line in lines))
    spent = []
    for _ in range(5):
        began = process_time()
        answer = webhooks.receive(call, body)
        spent.append(process_time() - began)
        assert 400 <= answer.status < 500  # type: ignore[union-attr]
    assert min(spent) < MOST
