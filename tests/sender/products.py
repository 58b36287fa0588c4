"""Messages as a product of the sender, with nobody to look anything up."""

from services.domain.messages.commands import KIND
from services.domain.messages.effects import EFFECTS
from services.domain.messages.introduced import with_text
from services.sender.messages.asking import ask, priced, template, text
from services.sender.messages.creating import create
from services.sender.messages.rates import limits, units
from services.sender.outbound import Outbound, Products

MESSAGES = Outbound(
    effects=EFFECTS,
    host="api",
    ask=ask,
    request=lambda call: create(call, None),
    limits=lambda _, tenant, sender, towards: limits(tenant.rate_limits, sender, towards),
    units=units,
    holds_up_s=60.0,
    template=template,
    text=text,
    beside=with_text,
    estimate=priced,
)
PRODUCTS: Products = {KIND: MESSAGES}
