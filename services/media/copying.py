"""One medium, from Twilio to the storage: what became of it, as the fold is to be told."""

import asyncio
import hashlib
from dataclasses import dataclass

from msgspec.structs import replace

from services.domain.messages.copies import Copied, Copies, MediaFound, Outcome, TakenAway, told_of
from services.media.counting import COPY_SECONDS
from services.media.fetching import Fetching, File, Gone, TwilioAway, Unfetchable
from services.media.scanning import Scanner
from services.media.sniffing import sniff
from services.media.storage import Storage
from services.runtime.clock import now
from services.runtime.failpoints import reach
from services.runtime.sections.media import MediaWorkerSettings
from services.runtime.tenants.settings import TenantSettings


@dataclass(frozen=True, slots=True)
class Copying:
    """`scanner`: None where nobody scans."""

    settings: MediaWorkerSettings
    fetching: Fetching
    storage: Storage
    scanner: Scanner | None

    async def copy(self, tenant: TenantSettings, row: Copies, place: int) -> Copied:
        """Raises TwilioAway, ScannerAway, StorageAway: then it is tried again."""
        if not tenant.media.copy_inbound:
            # Nothing is told: nobody asked for it.
            return _ended(row, place, "refused", told=False)
        with COPY_SECONDS.time():
            try:
                file = await self._fetched(tenant, row.media[place].url)
            except Gone:
                return _ended(row, place, "gone", "Twilio has it no more: it was deleted, or its message was")
            except Unfetchable as error:
                return _ended(row, place, "refused", str(error))
            return await self._judged(tenant, row, place, file)

    async def take_away(self, tenant: TenantSettings, row: Copies, place: int) -> TakenAway:
        """What is stored is taken away at Twilio. Raises TwilioAway."""
        try:
            await self.fetching.delete(tenant, row.media[place].url or "")
        except Unfetchable as error:
            # It was fetched from there, so the settings have changed: it lies there still.
            raise TwilioAway(str(error), refused=True) from error
        return TakenAway(tenant=row.tenant, message_sid=row.message_sid, at=now(), place=place)

    async def find(self, tenant: TenantSettings, row: Copies) -> MediaFound:
        """Where the media lie of which only the number is known. Raises TwilioAway."""
        try:
            found = await self.fetching.listed(tenant, row.account_sid or tenant.account_sid, row.message_sid)
        except Gone:
            found = []
        return MediaFound(tenant=row.tenant, message_sid=row.message_sid, at=now(), urls=tuple(url for url, _ in found))

    async def _fetched(self, tenant: TenantSettings, url: str | None) -> File:
        if not url:
            raise Gone
        return await self.fetching.fetch(tenant, url, self.settings.timeout_s)

    async def _judged(self, tenant: TenantSettings, row: Copies, place: int, file: File) -> Copied:
        declared = row.media[place].declared or file.declared
        # Big files take a while, and others have their turn.
        type_ = await asyncio.to_thread(sniff, file.content, declared)
        if type_ not in self.settings.types:
            return _ended(row, place, "refused", f"by its content it is {type_}, which media.types does not name")
        if self.scanner is not None:
            found = await self.scanner.scan(file.content)
            if found.outcome == "infected":
                return _ended(row, place, "infected", found.virus)
            if found.outcome == "unscannable":
                return _ended(row, place, "refused", found.virus)
        key = object_key(self.settings.storage.prefix, row, place)
        await self.storage.put(key, file.content, type_)
        reach("media.stored")
        ended = _ended(row, place, "stored")
        told = ended.told and replace(
            ended.told,
            declared_type=declared,
            content_type=type_,
            size=len(file.content),
            sha256=hashlib.sha256(file.content).hexdigest(),
            bucket=self.storage.bucket,
            object_key=key,
        )
        return replace(ended, told=told, delete=tenant.media.delete_inbound)


def object_key(prefix: str, row: Copies, place: int) -> str:
    """By tenant and person, so that what is known of somebody can be deleted by one prefix; no address is in it."""
    tenant, _, person = row.contact.partition("|")
    return f"{prefix}{tenant}/{person}/{row.message_sid}/{place}"


def _ended(row: Copies, place: int, outcome: Outcome, reason: str | None = None, told: bool = True) -> Copied:
    at = now()
    return Copied(
        tenant=row.tenant,
        message_sid=row.message_sid,
        at=at,
        place=place,
        outcome=outcome,
        told=told_of(row, place, outcome, at, reason) if told else None,
    )
