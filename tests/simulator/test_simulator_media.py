"""Files that people send, and what is refused of media that are sent to them, on the simulator over HTTP."""

import base64

import pytest
from aiohttp import encode_basic_auth
from twilio.base.exceptions import TwilioRestException

from .rig import ACCOUNT, SUBACCOUNT, Endpoint, Rig, basic

PERSON, OURS = "+14155550123", "+14155552671"
PHOTO = b"\xff\xd8\xff\xe0 a photo"


async def sent(rig: Rig, endpoint: Endpoint, account: str = ACCOUNT) -> str:
    """A person sends a photo; where the webhook says that it lies."""
    medium = {"content": base64.b64encode(PHOTO).decode(), "content_type": "image/jpeg"}
    await rig.hear(PERSON, OURS, "look", media=[medium], account_sid=account)
    told = endpoint.received[-1]
    assert (told["NumMedia"], told["MediaContentType0"]) == ("1", "image/jpeg")
    assert told["MessageSid"].startswith("MM")
    return told["MediaUrl0"]


async def test_a_photo_is_fetched_with_credentials_and_by_way_of_a_host_that_takes_none(
    rig: Rig, endpoint: Endpoint
) -> None:
    url = await sent(rig, endpoint)
    async with rig.session.get(url) as refused:
        assert refused.status == 401
    async with rig.session.get(url, headers=basic(), allow_redirects=False) as redirected:
        assert redirected.status == 307
        link = redirected.headers["Location"]
    assert link.split("/")[2].split(":")[0] != url.split("/")[2].split(":")[0]
    async with rig.session.get(link, headers=basic()) as leaked:
        assert leaked.status == 400
    assert await rig.get("leaks") == {"leaks": 1}
    async with rig.session.get(link) as photo:
        assert (photo.status, photo.content_type, await photo.read()) == (200, "image/jpeg", PHOTO)


async def test_a_subaccounts_photo_opens_to_its_own_credentials(rig: Rig, endpoint: Endpoint) -> None:
    url = await sent(rig, endpoint, SUBACCOUNT)
    assert f"/Accounts/{SUBACCOUNT}/" in url
    async with rig.session.get(
        url, headers={"Authorization": encode_basic_auth(SUBACCOUNT, "sub-token")}, allow_redirects=False
    ) as redirected:
        assert redirected.status == 307


@pytest.mark.parametrize("which", ["medium", "message"])
async def test_what_was_deleted_is_not_found(rig: Rig, endpoint: Endpoint, which: str) -> None:
    url = await sent(rig, endpoint)
    message = url.split("/Media/")[0]
    gone = f"{url}.json" if which == "medium" else f"{message}.json"
    async with rig.session.delete(gone, headers=basic()) as deleted:
        assert deleted.status == 204
    async with rig.session.get(url, headers=basic(), allow_redirects=False) as found:
        assert (found.status, (await found.json())["code"]) == (404, 20404)


async def test_a_create_is_refused_for_its_media_alone(rig: Rig) -> None:
    await rig.send("PUT", "errors", {"media": {PERSON: 11751}})
    create = rig.client().messages.create_async
    with pytest.raises(TwilioRestException) as refused:
        await create(to=PERSON, from_=OURS, body="look", media_url=["https://example.com/a.jpg"])
    assert refused.value.code == 11751
    assert (await create(to=PERSON, from_=OURS, body="look: https://example.com/a.jpg")).sid
