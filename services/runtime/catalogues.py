"""All that the log holds of content templates, kept in memory: a compacted topic, read whole and followed."""

import logging
from collections import defaultdict
from collections.abc import Callable

from aiokafka import ConsumerRecord

from services.contract import codec
from services.contract.templates import TEMPLATES
from services.domain.templates.catalogue import NO_TEMPLATES, Catalogue
from services.domain.templates.events import TemplateStated
from services.runtime.config import KafkaSettings
from services.runtime.following import Following

logger = logging.getLogger(__name__)

# A template as it was and as it is; None: there was, or is, none.
Changed = Callable[[TemplateStated | None, TemplateStated | None], None]


class Catalogues:
    """By tenant what is known of its templates. `changed` is told of each record, the first ones too."""

    def __init__(self, kafka: KafkaSettings, changed: Changed = lambda _was, _now: None) -> None:
        self._templates: defaultdict[str, dict[str, TemplateStated]] = defaultdict(dict)
        self._made: dict[str, Catalogue] = {}
        self._changed = changed
        self._following = Following(kafka, [TEMPLATES.name], self._take)

    async def start(self) -> None:
        await self._following.start()

    async def stop(self) -> None:
        await self._following.stop()

    async def read(self) -> None:
        """Wait until all is read that was there when this began."""
        await self._following.read()

    def of(self, tenant: str) -> Catalogue:
        found = self._made.get(tenant)
        if found is None:
            if tenant not in self._templates:
                return NO_TEMPLATES
            found = self._made[tenant] = Catalogue(self._templates[tenant].values())
        return found

    def take(self, key: bytes, value: bytes | None) -> None:
        """One record. What cannot be read is told and left out: only we write there."""
        tenant, _, sid = key.decode("utf-8", "replace").partition("|")
        known = self._templates[tenant]
        was, now = known.pop(sid, None), None
        if value is not None:
            try:
                now = known[sid] = codec.decode(value, TemplateStated)
            except codec.DecodeError as error:
                logger.error("%s: %s of %s cannot be read: %s", TEMPLATES.name, sid, tenant, error)
        self._made.pop(tenant, None)
        self._changed(was, now)

    def _take(self, record: ConsumerRecord) -> None:
        self.take(record.key or b"", record.value)
