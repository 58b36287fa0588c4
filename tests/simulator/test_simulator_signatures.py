"""How the simulator signs: by shared keys, and in the ways that users of Twilio and of an emulator have reported."""

from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import ClientSession
from multidict import MultiDict
from pydantic import SecretStr
from twilio.request_validator import RequestValidator

from services.runtime.config import Settings
from services.runtime.simulated import SignatureSettings

from .rig import ACCOUNT, TOKEN, Endpoint, Rig, serving

PERSON, OURS = "+14155550123", "+14155552671"


@dataclass
class Signed:
    """What the endpoint got for one inbound message, under these settings."""

    endpoint: Endpoint
    settings: Settings

    async def by(self, target: str, **signatures: Any) -> tuple[str, dict[str, str], MultiDict[str]]:
        """The signature, the headers and the form of a callback to this target."""
        changed = self.settings.simulator.model_copy(update={"signatures": SignatureSettings(**signatures)})
        async with serving(self.settings.model_copy(update={"simulator": changed})) as url, ClientSession() as session:
            rig = Rig(url, session)
            await rig.client().messages.create_async(to=PERSON, from_=OURS, body="x", status_callback=target)
            await rig.quiet()
            for client in rig.clients:
                await client.close()
        got = self.endpoint.received[0]
        return got.headers["X-Twilio-Signature"], got.headers, MultiDict(got.form)


@pytest.fixture
def signed(endpoint: Endpoint, settings: Settings) -> Signed:
    keys = {"key-1": SecretStr("shared"), "key-2": SecretStr("next")}
    tenants = {name: one.model_copy(update={"signing_keys": keys}) for name, one in settings.tenants.items()}
    return Signed(endpoint, settings.model_copy(update={"tenants": tenants}))


async def test_by_the_first_shared_key(signed: Signed) -> None:
    url = f"{signed.endpoint.url}/status?a=1"
    signature, headers, form = await signed.by(url, shared_keys=True)
    assert headers["X-Twilio-Webhooks-Signature-Settings"] == "key=key-1,algorithm=HMAC_SHA256"
    assert RequestValidator("shared").validate(url, form, signature, "HMAC_SHA256")
    assert form["AccountSid"] == ACCOUNT


async def test_over_the_fragment_which_is_not_sent(signed: Signed) -> None:
    url = f"{signed.endpoint.url}/status?a=1"
    signature, headers, form = await signed.by(f"{url}#rc=4&rp=5xx,ct,rt", fragment=True)
    assert "X-Twilio-Webhooks-Signature-Settings" not in headers
    assert signed.endpoint.received[0].path == "/status?a=1"
    assert signature == RequestValidator(TOKEN).compute_signature(f"{url}#rc=4&rp=5xx,ct,rt", form)


async def test_over_a_query_that_is_sent_escaped(signed: Signed) -> None:
    url = f"{signed.endpoint.url}/status?c=it%27s%3A17%40x&d=%2B"
    signature, _, form = await signed.by(url, bare=":@'")
    assert signature == RequestValidator(TOKEN).compute_signature(url.replace("it%27s%3A17%40x", "it's:17@x"), form)
