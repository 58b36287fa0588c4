"""Content templates on the log."""

from services.contract.fold import Product
from services.contract.topic import Topic
from services.domain.templates import events as templates
from services.domain.templates.events import TemplateStated

TEMPLATES = Topic(
    "twilio.templates.v1", TemplateStated, templates.key_of, "tenant and content sid", None, compacted=True
)

PRODUCT = Product((TEMPLATES,))
