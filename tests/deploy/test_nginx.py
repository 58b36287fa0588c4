"""The nginx example: what Twilio signed is accepted behind it, over TLS, with the URL and the body as they came."""

import asyncio
import re
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import aiohttp
import pytest
from yarl import URL

from services.embedded.ports import pick
from services.runtime.config import Settings
from tests.ingress.rig import FORM, running
from tests.ingress.rig import settings as rig_settings
from tests.ingress.signing import ACCOUNT, Pairs, form, sign
from tests.waiting import eventually

EXAMPLE = Path(__file__).parents[2] / "deploy" / "nginx" / "switchboard.conf"
HOST = "hooks.example.com"
MAIN = """
daemon off; pid {folder}/pid; error_log {folder}/error.log warn; worker_processes 1;
events {{ worker_connections 1024; }}
http {{
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  include {folder}/switchboard.conf;
}}
"""


def written(folder: Path, port: int, ingress: int) -> Path:
    """nginx' whole configuration around the example, on these ports, with a certificate made here."""
    if shutil.which("nginx") is None or shutil.which("openssl") is None:
        pytest.skip("no nginx or no openssl on this machine; Debian's packages of these names have them")
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", str(folder / "privkey.pem")]
    name = ["-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}"]
    command = ["openssl", "req", "-x509", *key, "-out", str(folder / "fullchain.pem"), *name]
    subprocess.run(command, check=True, capture_output=True, timeout=30)
    text = EXAMPLE.read_text("utf-8")
    for old, new in {
        "listen 443": f"listen 127.0.0.1:{port}",
        "127.0.0.1:8080": f"127.0.0.1:{ingress}",
        "/etc/ssl/switchboard": str(folder),
        "/var/log/nginx": str(folder),
    }.items():
        assert old in text
        text = text.replace(old, new)
    (folder / "switchboard.conf").write_text(text, encoding="utf-8")
    main = folder / "nginx.conf"
    main.write_text(MAIN.format(folder=folder), encoding="utf-8")
    return main


@contextmanager
def nginx(main: Path) -> Iterator[None]:
    tested = subprocess.run(["nginx", "-t", "-c", str(main)], capture_output=True, text=True, timeout=30, check=False)
    assert tested.returncode == 0, tested.stderr
    assert "[warn]" not in tested.stderr.replace('the "user" directive', ""), tested.stderr
    process = subprocess.Popen(["nginx", "-c", str(main)])
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


class Twilio:
    """Calls the public URL, at nginx."""

    def __init__(self, session: aiohttp.ClientSession, port: int) -> None:
        self.session, self.port = session, port

    async def post(self, target: str, pairs: Pairs, **headers: str) -> aiohttp.ClientResponse:
        signed = {"X-Twilio-Signature": sign(f"https://{HOST}{target}", pairs), "Content-Type": FORM}
        url = URL(f"https://{HOST}:{self.port}{target}", encoded=True)
        async with self.session.post(url, data=form(pairs), headers={**signed, **headers}) as answer:
            await answer.read()
            return answer


class _Here(aiohttp.abc.AbstractResolver):
    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[aiohttp.abc.ResolveResult]:
        return [{"hostname": host, "host": "127.0.0.1", "port": port, "family": 2, "proto": 0, "flags": 0}]

    async def close(self) -> None:
        pass


@pytest.fixture
async def twilio(tmp_path: Path) -> AsyncIterator[Twilio]:
    port = pick()
    base = rig_settings(tmp_path / "ingress")
    settings = Settings(
        public_url=f"https://{HOST}", kafka=base.kafka, tenants=base.tenants,
        ingress=base.ingress.model_copy(update={"connections_per_address": None}),
    )  # fmt: skip
    main = written(tmp_path, port, settings.ingress.port)
    trusted = ssl.create_default_context(cafile=str(tmp_path / "fullchain.pem"))
    connector = aiohttp.TCPConnector(ssl=trusted, resolver=_Here(), limit=64)
    async with running(settings), aiohttp.ClientSession(connector=connector) as session:
        with nginx(main):
            caller = Twilio(session, port)

            async def answers() -> bool:
                try:
                    async with session.get(f"https://{HOST}:{port}/"):
                        return True
                except aiohttp.ClientConnectionError:
                    return False

            await eventually(answers, what="nginx answers")
            yield caller


STATUS = [("AccountSid", ACCOUNT), ("MessageSid", "SM" + "1" * 32), ("MessageStatus", "sent")]


async def test_what_twilio_signed_is_accepted_with_url_and_body_as_they_came(twilio: Twilio) -> None:
    for target in (
        "/twilio/acme/status",
        "/twilio/acme/status?a=%2B1%20415&b=//x//y&c=%C3%A9&d",
        f"/twilio/acme/status?order={quote('Zürich/ä ö', safe='')}",
    ):
        answer = await twilio.post(target, STATUS)
        assert answer.status == 204, target
        assert answer.headers["Strict-Transport-Security"].startswith("max-age=")
    written = [("AccountSid", ACCOUNT), ("MessageSid", "SM" + "2" * 32), ("From", "+14155550123"),
               ("To", "+14155550100"), ("Body", "é 👋 a+b%20c\r\n&=;")]  # fmt: skip
    assert (await twilio.post("/twilio/acme/messages", written)).status == 200
    assert (await twilio.post("/twilio/acme/status", [*STATUS, ("More", "x" * 60_000)])).status == 204


async def test_what_is_tampered_too_large_or_elsewhere_is_refused(twilio: Twilio) -> None:
    assert (await twilio.post("/twilio/acme/status", STATUS, **{"X-Twilio-Signature": "A" * 27 + "="})).status == 403
    assert (await twilio.post("/twilio/acme/status", [*STATUS, ("More", "x" * 70_000)])).status == 413
    for path in ("/", "/metrics", "/healthz", "/v1/messages/SM1"):
        assert (await twilio.post(path, STATUS)).status == 404


async def test_twilios_burst_passes_and_a_strangers_does_not(twilio: Twilio, tmp_path: Path) -> None:
    burst = [twilio.post("/twilio/acme/status", [*STATUS, ("N", str(n))]) for n in range(600)]
    assert {answer.status for answer in await asyncio.gather(*burst)} == {204}
    strangers = [twilio.post("/twilio/acme/status", STATUS, **{"X-Twilio-Signature": ""}) for _ in range(60)]
    refused = [answer.status for answer in await asyncio.gather(*strangers)]
    assert refused.count(429) > 30
    log = (tmp_path / "switchboard.log").read_text("utf-8")
    assert len(re.findall(r" 204 ", log)) == 600
    assert ACCOUNT not in log


async def test_old_tls_is_refused(twilio: Twilio) -> None:
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError):
        await asyncio.open_connection("127.0.0.1", twilio.port, ssl=old)
