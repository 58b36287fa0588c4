"""Whose facts lie in the spool: what the log last said of the tenants, kept beside it for when Kafka is away.

An ingress starts without Kafka. Then this copy says whether a tenant is who it was. One that is not in it is believed,
for a webhook that is refused is lost. Who was believed, by which account and secret, is kept too: it is compared once
Kafka is back, by this process or a later one, before anything goes there. Of a tenant that is not shown to have been
right, those facts are set aside that are not keyed as the log knows it.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from pathlib import Path

import msgspec

from services.contract import codec
from services.domain.tenants import TenantKnown
from services.ingress import aside, disk
from services.ingress.producer import NotAcknowledgedError
from services.ingress.segments import Fact
from services.ingress.spool import Spool
from services.runtime.tenants.known import PATIENCE_S, KnownTenants, NotKnown, described, refused
from services.runtime.tenants.live import Tenants
from services.runtime.tenants.settings import TenantSettings

_log = logging.getLogger(__name__)

# While they may be believed by the copy, and Twilio waits 15 s.
_FIRST_PATIENCE_S = 3.0


class _Kept(msgspec.Struct, frozen=True, kw_only=True):
    """The file. `believed`: who was believed, and has not been compared or was another: it may have facts in the spool.

    One tenant stands there twice if it had another secret after a restart.
    """

    known: dict[str, TenantKnown] = {}
    believed: list[TenantKnown] = []


class Stamp:
    """The copy in a spool's folder."""

    def __init__(self, log: KnownTenants, directory: Path) -> None:
        self._log = log
        self._path = directory / "tenants.json"
        # What the file says, once it could be read.
        self._held: _Kept | None = None
        # Whether all who count were compared, so that their facts may go to Kafka.
        self._vouched = False
        # By which settings it was looked for what fits of a tenant's facts that are set aside.
        self._recovered: dict[str, TenantSettings] = {}
        # Who is believed now is judged later, or waits; nothing comes between.
        self._turn = asyncio.Lock()

    async def compare(self, tenants: Mapping[str, TenantSettings]) -> dict[str, str]:
        """By name, why a tenant may not be used.

        Raises NotKnown where they may not be believed: while facts go to Kafka they could not be held back, so that a
        new tenant's webhooks get 503 until the next look; and while the copy cannot be read or written.
        """
        patience_s = PATIENCE_S if self._vouched else _FIRST_PATIENCE_S
        try:
            refusals = await self._log.refusals(tenants, patience_s=patience_s)
        except NotKnown as error:
            # From its end to where they count nothing else runs.
            async with self._turn:
                return await self._by_copy(tenants, error)
        try:
            kept = self._read()
        except NotKnown as error:
            # It stays as it is: only where nothing waits in the spool is it of no more use.
            _log.error("%s", error)
        else:
            self._keep(msgspec.structs.replace(kept, known=self._log.known))
        return refusals

    async def _by_copy(self, tenants: Mapping[str, TenantSettings], away: NotKnown) -> dict[str, str]:
        kept = self._read()
        if new := {name: one for name, one in tenants.items() if name not in kept.known}:
            if self._vouched:
                raise away
            noted = {one.tenant for one in await _fitting(kept.believed, new)}
            made = await described({name: one for name, one in new.items() if name not in noted})
            try:
                self._write(_Kept(known=kept.known, believed=[*kept.believed, *made]))
            except OSError as error:
                raise NotKnown(f"{away}, and {self._path} cannot be written: {error.strerror}") from error
            _log.warning("%s; until it does, %d tenants are believed", away, len(new))
        return await refused(kept.known, tenants)

    async def vouch(self, tenants: Tenants, spool: Spool) -> None:
        """Compare those that were believed; refuse those that are others, and set aside what was wrongly taken of them.

        What was set aside, and is right now, waits again. Raises NotAcknowledgedError where Kafka does not say who is
        who, SpoolStuck.
        """
        async with self._turn:
            self._vouched = False
            try:
                kept = self._read()
            except NotKnown as error:
                # Until the log answers nobody may count, and everything would be set aside.
                await self._refusals({})
                # Who was believed stood there, so what waits may be keyed by anything. All who count were compared.
                _log.error("%s", error)
                await spool.divide(_wrong(dict(tenants), None))
                self._keep(_Kept(known=self._log.known))
            else:
                if kept.believed:
                    await self._judge(tenants, kept.believed, spool)
            for name in spool.held():
                if (tenant := tenants.get(name)) is not None and self._recovered.get(name) is not tenant:
                    await spool.recover(name, partial(aside.fits, tenant=tenant))
                    self._recovered[name] = tenant
            self._vouched = True

    async def _judge(self, tenants: Tenants, believed: list[TenantKnown], spool: Spool) -> None:
        here = {one.tenant: tenants[one.tenant] for one in believed if one.tenant in tenants}
        refusals = await self._refusals(here) if here else {}
        for name, sentence in refusals.items():
            _log.error("%s", sentence)
            tenants.refuse(name)
        known = {name: one for name, one in here.items() if name not in refusals}
        right = await _fitting(believed, known)
        if doubted := {one.tenant for one in believed if one not in right}:
            # Asked after it was refused: until then facts of it were taken.
            await spool.divide(_wrong(known, doubted))
        self._keep(_Kept(known=self._log.known if here else self._read().known))

    async def _refusals(self, tenants: Mapping[str, TenantSettings]) -> dict[str, str]:
        try:
            return await self._log.refusals(tenants)
        except NotKnown as error:
            raise NotAcknowledgedError(str(error)) from error

    def _read(self) -> _Kept:
        """Raises NotKnown."""
        if self._held is None:
            try:
                self._held = codec.decode(self._path.read_bytes(), _Kept)
            except FileNotFoundError:
                self._held = _Kept()
            except (OSError, codec.DecodeError) as error:
                raise NotKnown(
                    f"{self._path} cannot be read ({error}): it says who was believed while Kafka was away. It is "
                    "written anew once Kafka answers; if no contact_secret was changed since, you may remove it"
                ) from error
        return self._held

    def _keep(self, kept: _Kept) -> None:
        """For this process in any case: a full disk must not keep the spool from being drained."""
        try:
            self._write(kept)
        except OSError as error:
            _log.warning("%s cannot be written: %s", self._path, error.strerror)
            self._held = kept

    def _write(self, kept: _Kept) -> None:
        """Waits for the disk, with all else: tenants come seldom. Raises OSError."""
        if kept == self._held:
            return
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        disk.replace(self._path, codec.encode(kept))
        self._held = kept


def _wrong(known: Mapping[str, TenantSettings], doubted: Collection[str] | None) -> Callable[[Fact], str]:
    """Names the tenant of a fact that is not keyed as it should be, of these that are doubted; None: of all.

    `known`: those of which the log says how.
    """

    def wrong(fact: Fact) -> str:
        name = aside.owner(fact)
        if doubted is not None and name not in doubted:
            return ""
        return "" if name in known and aside.fits(fact, known[name]) else name

    return wrong


async def _fitting(believed: Iterable[TenantKnown], tenants: Mapping[str, TenantSettings]) -> set[TenantKnown]:
    """Those that were believed by the account and the secret that their tenants have now."""
    asked = {one.event_id: one for one in believed if one.tenant in tenants}
    others = await refused(asked, {key: tenants[one.tenant] for key, one in asked.items()})
    return {one for key, one in asked.items() if key not in others}
