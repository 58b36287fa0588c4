"""All that the log holds of content templates, kept in memory."""

from collections.abc import Callable

from services.contract.templates import TEMPLATES
from services.domain.templates.catalogue import NO_TEMPLATES, Catalogue
from services.domain.templates.events import TemplateStated
from services.runtime.by_tenant import ByTenant
from services.runtime.config import KafkaSettings

# A template as it was and as it is; None: there was, or is, none.
Changed = Callable[[TemplateStated | None, TemplateStated | None], None]


class Catalogues(ByTenant[TemplateStated]):
    """By tenant what is known of its templates."""

    def __init__(self, kafka: KafkaSettings, changed: Changed = lambda _was, _now: None) -> None:
        super().__init__(kafka, TEMPLATES, TemplateStated, changed)
        self._made: dict[str, Catalogue] = {}

    def of(self, tenant: str) -> Catalogue:
        found = self._made.get(tenant)
        if found is None:
            if not (facts := self.facts(tenant)):
                return NO_TEMPLATES
            found = self._made[tenant] = Catalogue(facts.values())
        return found

    def _forget(self, tenant: str) -> None:
        self._made.pop(tenant, None)
