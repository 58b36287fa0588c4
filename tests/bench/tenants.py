"""Thousands of tenants: what they cost at the start, in memory, at a look at their files, and per webhook."""

import asyncio
import gc
import os
import resource
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import cast
from urllib.parse import urlencode

import yaml

from services.domain.tenants import TenantKnown
from services.ingress.durable import DurableLog
from services.ingress.receiving import Kept, Webhooks
from services.ingress.segments import Fact
from services.ingress.webhook import Call
from services.runtime.config import Settings
from services.runtime.tenants.files import TenantFiles
from services.runtime.tenants.fingerprints import fingerprint
from services.runtime.tenants.known import refused
from services.runtime.tenants.live import Tenants
from services.runtime.tenants.settings import TenantSettings
from tests.bench.report import Table, count
from tests.ingress.signing import sign

_PUBLIC = "https://hooks.example.com"
_WEBHOOKS = 4000


class _Log:
    """Takes facts at no cost: only what comes before is measured."""

    def append(self, _: Fact) -> "asyncio.Future[None]":
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done


def measure(short: bool, say: Callable[[str], None]) -> list[Table]:
    """In this process: a service does the same, and nothing else with tenants."""
    rows = []
    for number in (1, 200) if short else (1, 500, 5000):
        say(f"tenants: {number:,}")
        folder = Path(tempfile.mkdtemp(prefix="bench-tenants-"))
        try:
            rows.append(_of(number, folder))
        finally:
            shutil.rmtree(folder)
    return [
        Table(
            "Tenants in files of their own, with three secret files each",
            (
                "tenants",
                "start",
                "compared with the log",
                "memory",
                "a look, nothing changed",
                "a look, one changed",
                "per webhook",
            ),
            rows,
            (
                "Start: all files read, once. Compared: a fingerprint of each secret made, on all cores; Kafka's part "
                "is left out. Memory: what the process grew by, the first webhook of each included.",
                "A look is made every 3 s, in a thread. Per webhook: head to fact, signature included.",
            ),
        )
    ]


def _of(number: int, folder: Path) -> tuple[str, ...]:
    names = [_write(folder, one) for one in range(number)]
    # Long ago: what was written just now is read again at each look.
    for path in folder.rglob("*"):
        _settle(path)
    gc.collect()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    tenants, files = Tenants(), TenantFiles(dict, None, folder / "tenants")
    start_s = _timed(lambda: tenants.take(files.look()))
    known = {name: _known(name, tenant) for name, tenant in tenants.items()}
    compared_s = _timed(lambda: asyncio.run(refused(known, tenants)))
    webhook_s = asyncio.run(_webhooks(tenants, names))
    grown_mib = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    same_s = min(_timed(lambda: tenants.take(files.look())) for _ in range(3))
    (folder / names[0] / "token").write_text("another")
    changed_s = _timed(lambda: tenants.take(files.look()))
    assert tenants[names[0]].credentials[1] == "another"
    return (
        count(number), f"{start_s:.2f} s", f"{compared_s:.2f} s", f"{grown_mib:.0f} MiB", f"{same_s * 1000:.1f} ms",
        f"{changed_s * 1000:.1f} ms", f"{webhook_s * 1e6:.0f} µs",
    )  # fmt: skip


def _known(name: str, tenant: TenantSettings) -> TenantKnown:
    made = fingerprint(tenant.contact_secret.get_secret_value())
    return TenantKnown(event_id="", tenant=name, at="", account_sid=tenant.account_sid, secret_fingerprint=made)


def _write(folder: Path, number: int) -> str:
    name = f"tenant-{number:05}"
    secrets = {}
    (folder / name).mkdir(parents=True)
    for secret in ("token", "next", "contacts"):
        (folder / name / secret).write_text(f"{secret} of {name}")
        secrets[secret] = {"file": str(folder / name / secret)}
    content = {
        "account_sid": f"AC{number:032x}",
        "auth_tokens": [secrets["token"], secrets["next"]],
        "contact_secret": secrets["contacts"],
        "allowed_senders": ["+14155550100"],
        "keywords": [{"name": "help", "says": ["HELP"], "reply": "Call us."}],
        "consent": {"stop_words": ["basta"], "regions": {"DE": {"consent_for": "everything"}}},
    }
    (folder / "tenants").mkdir(exist_ok=True)
    (folder / "tenants" / f"{name}.yaml").write_text(yaml.safe_dump(content))
    return name


def _settle(path: Path) -> None:
    os.utime(path, (1_700_000_000, 1_700_000_000))


async def _webhooks(tenants: Tenants, names: list[str]) -> float:
    """Seconds per status callback."""
    webhooks = Webhooks(Settings(public_url=_PUBLIC), tenants, cast(DurableLog, _Log()))
    calls = [_callback(number % len(names), names[number % len(names)]) for number in range(_WEBHOOKS)]
    for call, body in calls:
        webhooks.receive(call, body)
    began = time.perf_counter()
    for call, body in calls:
        assert isinstance(webhooks.receive(call, body), Kept)
    return (time.perf_counter() - began) / len(calls)


def _callback(number: int, name: str) -> tuple[Call, bytes]:
    target = f"/twilio/{name}/status"
    pairs = [
        ("AccountSid", f"AC{number:032x}"), ("MessageSid", f"SM{number:032x}"), ("MessageStatus", "delivered"),
        ("To", "+14155550123"), ("From", "+14155550100"),
    ]  # fmt: skip
    signature = sign(_PUBLIC + target, pairs, f"token of {name}")
    headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signature}
    return Call("POST", target, headers), urlencode(pairs).encode()


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
