"""Files that people send, from their webhook to the storage, and what is told of them."""

import hashlib
import io
import zipfile
from pathlib import Path

import pytest

from tests.failpoint import VARIABLE
from tests.media.conftest import PHOTO, SUBACCOUNT, House, Person, Worker
from tests.media.servers import BUCKET, VIRUS, VIRUS_NAME
from tests.waiting import eventually

# The first time the storage is fetched, of 93 MB.
pytestmark = pytest.mark.timeout(600)

JPEG = "image/jpeg"


def zipped() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("photo.exe", "MZ")
    return content.getvalue()


def objects(bucket: Path) -> dict[str, bytes]:
    return {str(one.relative_to(bucket)): one.read_bytes() for one in bucket.rglob("*") if one.is_file()}


async def test_a_photo_is_stored_once_told_and_given_out_by_a_signed_link(
    house: House, person: Person, worker: Worker
) -> None:
    with worker() as service:
        await eventually(service.ready, 90)
        before = objects(house.bucket)
        sid = await person.sends((PHOTO, JPEG))
        [told] = await person.hears(sid, "stored")
        assert (told.content_type, told.declared_type, told.size) == (JPEG, JPEG, len(PHOTO))
        assert told.sha256 == hashlib.sha256(PHOTO).hexdigest()
        key = told.object_key or ""
        assert (told.bucket, key) == (BUCKET, f"media/{told.contact.replace('|', '/')}/{sid}/0")
        assert {name: content for name, content in objects(house.bucket).items() if name not in before} == {key: PHOTO}
        assert await person.leaks() == 0
        # Nobody reads it without a link, nobody gets a link without a token.
        status, answer = await person.link(service, key)
        assert status == 200
        read, content, headers = await person.read(answer["url"])
        assert (read, content, headers["Content-Type"]) == (200, PHOTO, JPEG)
        assert headers["Content-Disposition"] == "attachment"
        # S3Proxy takes the path of who signs nothing as it is written.
        assert (await person.read(answer["url"].partition("?")[0].replace("%2B", "+")))[0] == 403
        assert (await person.read(answer["url"].replace("/0?", "/1?")))[0] == 403
        assert (await person.link(service, key, token="another"))[0] == 401
        assert (await person.link(service, "elsewhere/0"))[0] == 404
        assert (await person.link(service, "media//0"))[0] == 404
        # Twilio has it still: nobody asked for more.
        assert await person.media_at_twilio(sid) == 1


async def test_ten_files_of_which_some_are_bad_end_each_for_itself(
    house: House, person: Person, worker: Worker
) -> None:
    pdf = "application/pdf"
    files = [
        *[(PHOTO, JPEG)] * 4,
        (zipped(), JPEG),
        (b"\xff\xd8\xff\xe0" + VIRUS, JPEG),
        (b"<html><script>alert(1)</script></html>", "text/html"),
        (b"MZ\x90\x00" + b"\0" * 100, pdf),
        (b"\xff" * (3 << 20), JPEG),
        (b"%PDF-1.7\n", pdf),
    ]
    with worker() as service:
        await eventually(service.ready, 90)
        sid = await person.sends(*files)
        stored, refused = ["stored"] * 4, "refused"
        told = await person.hears(sid, *stored, refused, "infected", refused, refused, refused, "stored")
        assert told[4].reason == "by its content it is application/zip, which media.types does not name"
        assert told[5].reason == VIRUS_NAME
        assert "text/html" in (told[6].reason or "")
        assert "portable-executable" in (told[7].reason or "")
        assert "more than 2,097,152 bytes" in (told[8].reason or "")
        assert [one.object_key for one in told if one.outcome != "stored"] == [None] * 5
        assert sum(sid in name for name in objects(house.bucket)) == 5


async def test_what_is_asked_to_be_taken_away_at_twilio_is_so_once_it_is_stored(person: Person, worker: Worker) -> None:
    with worker(SWITCHBOARD_TENANTS__ACME__MEDIA__DELETE_INBOUND="true") as service:
        await eventually(service.ready, 90)
        sid = await person.sends((PHOTO, JPEG), (zipped(), JPEG))
        await person.hears(sid, "stored", "deleted", "refused")
        assert await person.media_at_twilio(sid) == 1


@pytest.mark.parametrize("killed", [False, True])
async def test_of_files_that_are_only_listed_none_is_taken_away_uncopied(
    person: Person, worker: Worker, killed: bool
) -> None:
    """Twilio's list is shorter by each that was taken away; a second file stands then where the first did."""
    switched = {"SWITCHBOARD_TENANTS__ACME__MEDIA__DELETE_INBOUND": "true"}
    second = PHOTO + b" another"
    sid = await person.sends((PHOTO, JPEG), (second, JPEG), params={"MediaUrl0": "", "MediaUrl1": ""})
    if killed:
        with worker(**switched, **{VARIABLE: "media.deleted"}) as service:
            await eventually(lambda: service.process.poll() is not None, 90, "it is killed")
    with worker(**switched) as service:
        await eventually(service.ready, 90)
        told = await person.hears(sid, "stored", "deleted", "stored", "deleted")
        assert [told[0].size, told[2].size] == [len(PHOTO), len(second)]
        assert await person.media_at_twilio(sid) == 0


async def test_a_subaccounts_file_is_fetched_by_its_own_credentials(person: Person, worker: Worker) -> None:
    with worker() as service:
        await eventually(service.ready, 90)
        sid = await person.sends((PHOTO, JPEG), account=SUBACCOUNT)
        [told] = await person.hears(sid, "stored")
        assert told.account_sid == SUBACCOUNT


async def test_what_was_deleted_before_it_was_copied_is_gone_and_what_lies_elsewhere_is_not_asked_for(
    person: Person, worker: Worker
) -> None:
    deleted = await person.sends((PHOTO, JPEG))
    assert await person.at_twilio("DELETE", f"{deleted}.json") == 204
    elsewhere = await person.sends(media=["https://169.254.169.254/latest/meta-data/"])
    with worker() as service:
        await eventually(service.ready, 90)
        await person.hears(deleted, "gone")
        [told] = await person.hears(elsewhere, "refused")
        assert told.reason == "its URL is none of Twilio's media"


async def test_storage_that_is_away_is_waited_for_and_nothing_is_lost(
    house: House, person: Person, worker: Worker
) -> None:
    with worker() as service:
        await eventually(service.ready, 90)
        house.storage.stop()
        try:
            sid = await person.sends((PHOTO, JPEG))

            async def told_so() -> bool:
                return not await service.undegraded() and await service.ready()

            await eventually(told_so, 90, "readyz says that the storage is away, and that the worker works")
            assert await person.told(sid) == []
        finally:
            house.storage.start()
        await house.storage.answers()
        await person.hears(sid, "stored", deadline_s=120)
        await eventually(service.undegraded, 30, "nothing is wrong any more")


async def test_what_nobody_can_scan_is_not_handed_out(house: House, person: Person, worker: Worker) -> None:
    with worker() as service:
        await eventually(service.ready, 90)
        house.scanner.stop()
        try:
            before = len(objects(house.bucket))
            sid = await person.sends((PHOTO, JPEG))

            async def told_so() -> bool:
                return not await service.undegraded() and await service.ready()

            await eventually(told_so, 60, "readyz says that the scanner is away")
            assert (await person.told(sid), len(objects(house.bucket))) == ([], before)
        finally:
            house.scanner.start()
        await house.scanner.answers()
        await person.hears(sid, "stored", deadline_s=120)


@pytest.mark.parametrize("point", ["media.stored", "flush.sent", "media.told"])
async def test_killed_anywhere_it_is_stored_once_and_told_once(
    house: House, person: Person, worker: Worker, point: str
) -> None:
    before = objects(house.bucket)
    with worker(**{VARIABLE: point}) as service:
        sid = await person.sends((PHOTO, JPEG))
        await eventually(lambda: service.process.poll() is not None, 90, "it is killed")
    with worker() as service:
        await eventually(service.ready, 90)
        await person.hears(sid, "stored")
        # One more, in the same partition: what was before it has been worked on.
        await person.hears(await person.sends((PHOTO, JPEG)), "stored")
        assert len(await person.told(sid)) == 1
    new = {name for name in objects(house.bucket) if name not in before and sid in name}
    assert len(new) == 1
