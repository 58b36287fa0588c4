"""A captured signature is for one request: what its text would say otherwise cut, or by another method, is refused."""

from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote_plus, urlencode

import pytest
import pytest_asyncio

from tests.ingress.rig import FORM, PUBLIC, Caller, running, settings
from tests.ingress.signing import ACCOUNT, SUBACCOUNT, TOKEN, Pairs, form, sign

MESSAGES = "/twilio/acme/messages"
OTHER = "AC" + "c" * 32


@pytest_asyncio.fixture
async def caller(tmp_path: Path) -> AsyncIterator[Caller]:
    async with running(settings(tmp_path)) as caller:
        yield caller


async def posted(caller: Caller, target: str, pairs: Pairs, signature: str) -> int:
    status, _, _ = await caller.call(target, form(pairs), Content_Type=FORM, X_Twilio_Signature=signature)
    return status


@pytest.mark.parametrize(
    "pairs",
    [
        [],
        [("Body", "STOP")],
        [("AccountSid", "")],
        [("AccountSid", OTHER)],
        [("accountsid", ACCOUNT)],
        [("AccountSid", ACCOUNT), ("AccountSid", OTHER)],
        [("AccountSid", OTHER), ("AccountSid", ACCOUNT)],
        # The same text as a form that names it.
        [("AccountSi", f"d{ACCOUNT}")],
        [(f"AccountSid{ACCOUNT}", "")],
    ],
)
async def test_a_form_names_an_account_of_the_tenants(caller: Caller, pairs: Pairs) -> None:
    assert await posted(caller, MESSAGES, pairs, sign(PUBLIC + MESSAGES, pairs)) == 403


async def test_a_get_is_no_post(caller: Caller) -> None:
    said = [("AccountSid", ACCOUNT), ("Body", f"AccountSid{ACCOUNT}BodySTOPFrom+14155550177"), ("From", "+14155550123")]
    target = f"{MESSAGES}?{urlencode(said)}"
    signature = sign(PUBLIC + target)
    assert (await caller.call(target, method="GET", X_Twilio_Signature=signature))[0] == 403
    # As it stands, and cut before what the attacker wrote into the text.
    assert await posted(caller, target, [], signature) == 403
    start, _, rest = target.partition(f"AccountSid{ACCOUNT}")
    cut = [("AccountSid", ACCOUNT), ("Body", "STOP"), ("From", rest.removeprefix("BodySTOPFrom"))]
    assert await posted(caller, start, cut, sign(PUBLIC + start, cut)) == 403


async def test_a_post_is_no_get(caller: Caller) -> None:
    # The inbound URL has a query of its own, so that what is run on becomes part of it.
    target, words = f"{MESSAGES}?x=1", f"&AccountSid={ACCOUNT}&Body=STOP&From={quote_plus('+14155550177')}"
    pairs = [("AccountSid", ACCOUNT), ("Body", words)]
    signature = sign(PUBLIC + target, pairs)
    run_on = f"{target}AccountSid{ACCOUNT}Body{words}"
    assert sign(PUBLIC + run_on) == signature
    assert (await caller.call(run_on, method="GET", X_Twilio_Signature=signature))[0] == 403


async def test_a_form_is_no_json(caller: Caller) -> None:
    body = b'{"AccountSid":"%s","Body":"STOP","From":"+14155550177"}' % ACCOUNT.encode()
    target, words = f"{MESSAGES}?x=1", f"&bodySHA256={sha256(body).hexdigest()}"
    pairs = [("AccountSid", ACCOUNT), ("Body", words)]
    signature = sign(PUBLIC + target, pairs)
    run_on = f"{target}AccountSid{ACCOUNT}Body{words}"
    headers = {"Content_Type": "application/json", "X_Twilio_Signature": signature}
    assert (await caller.call(run_on, body, **headers))[0] == 403


async def test_what_people_write_of_accounts_is_kept(caller: Caller) -> None:
    for body in ("AccountSid=AC1", f"AccountSid {ACCOUNT}", f"my AccountSid is AccountSid={ACCOUNT[:-1]}"):
        assert await caller.post(MESSAGES, [("Body", body)]) == 200


async def test_a_subaccount_is_the_tenants(caller: Caller) -> None:
    pairs = [("AccountSid", SUBACCOUNT)]
    assert await posted(caller, MESSAGES, pairs, sign(PUBLIC + MESSAGES, pairs, TOKEN)) == 403
