"""All that the log holds of content templates, kept in memory."""

from collections.abc import Callable

from services.contract.templates import TEMPLATES
from services.domain.templates.catalogue import Catalogue
from services.domain.templates.events import TemplateStated
from services.runtime.by_tenant import Joined
from services.runtime.sections.kafka import KafkaSettings

# A template as it was and as it is; None: there was, or is, none.
Changed = Callable[[TemplateStated | None, TemplateStated | None], None]


class Catalogues(Joined[TemplateStated, Catalogue]):
    """By tenant what is known of its templates."""

    def __init__(self, kafka: KafkaSettings, changed: Changed = lambda _was, _now: None) -> None:
        super().__init__(kafka, TEMPLATES, TemplateStated, Catalogue, changed)
