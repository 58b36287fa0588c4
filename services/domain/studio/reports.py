"""What a flow tells us by its HTTP widget, as a fact."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from services.domain.contact import contact_key
from services.domain.identity import raw_event_id

# The names by which a flow says whom it is about, and where it stands.
CONTACT, EXECUTION, FLOW, WIDGET = "contact", "execution_sid", "flow_sid", "widget"


class FlowReported(msgspec.Struct, frozen=True, kw_only=True):
    """A flow's HTTP widget called us (`twilio.flow.reports.v1`, keyed by contact).

    `to`: the person's address as the flow gave it, empty where it gave none: then the contact is nobody's. `said`: all
    that was sent, by name, also these; of one name the first.
    """

    event_type: Literal["flow_reported"] = "flow_reported"
    event_id: str
    tenant: str
    received_at: str
    contact: str
    to: str
    flow_sid: str
    execution_sid: str
    widget: str
    said: dict[str, str]


def reported(tenant: str, contact_secret: bytes, pairs: Sequence[tuple[str, str]], at: str) -> FlowReported:
    """Nothing is refused here: what is missing is empty. The same content is the same fact."""
    said: dict[str, str] = {}
    for name, value in pairs:
        said.setdefault(name, value)
    content = [part.encode("utf-8", "surrogatepass") for pair in pairs for part in pair]
    to = said.get(CONTACT, "")
    return FlowReported(
        event_id=raw_event_id("flow_reported", tenant, content),
        tenant=tenant,
        received_at=at,
        contact=contact_key(tenant, to, contact_secret),
        to=to,
        flow_sid=said.get(FLOW, ""),
        execution_sid=said.get(EXECUTION, ""),
        widget=said.get(WIDGET, ""),
        said=said,
    )
