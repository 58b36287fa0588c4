"""Messages as a product of the sender, with nobody to look anything up."""

from services.domain.messages.commands import KIND
from services.domain.messages.effects import EFFECTS
from services.sender.messages.asking import ask, priced, template
from services.sender.messages.creating import create
from services.sender.outbound import Outbound, Products

MESSAGES = Outbound(
    effects=EFFECTS,
    host="api",
    ask=ask,
    request=lambda call: create(call, None),
    rate=lambda tenant: tenant.messages_per_second,
    holds_up_s=60.0,
    template=template,
    estimate=priced,
)
PRODUCTS: Products = {KIND: MESSAGES}
