"""WhatsApp's word on templates, told as it comes: by a metric, and by a line where it stops one."""

import logging

from prometheus_client import Gauge

from services.domain.templates.events import STATES, STOPPED, TemplateStated
from services.sender.metrics import SENDER

logger = logging.getLogger(__name__)

TEMPLATES = Gauge(
    "switchboard_templates",
    "Content templates that the log knows, by WhatsApp's word; other: one that we do not know",
    ["tenant", "state"],
    registry=SENDER,
)


def heard(was: TemplateStated | None, now: TemplateStated | None) -> None:
    """A template was another one, or none; or is gone."""
    if was is not None:
        TEMPLATES.labels(was.tenant, _state(was)).dec()
    if now is None:
        return
    if was is None:
        for state in STOPPED:
            # From the first one on there is something to compare with.
            TEMPLATES.labels(now.tenant, state).inc(0)
    TEMPLATES.labels(now.tenant, _state(now)).inc()
    if now.state in STOPPED and (was is None or was.state != now.state):
        logger.warning(
            "WhatsApp has %s the template %s (%s) of tenant %s: what names it is blocked",
            now.state,
            now.name,
            now.language,
            now.tenant,
        )


def _state(template: TemplateStated) -> str:
    return template.state if template.state in STATES else "other"
