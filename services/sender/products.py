"""Whose commands the sender carries out: a line for each product."""

from services.domain.outbox.fold import Outbox
from services.domain.results import result
from services.sender import consents, followups, messages, studio
from services.sender.outbound import Parts, Products

_PRODUCTS = (messages.PRODUCT, studio.PRODUCT, followups.PRODUCT)
# All public commands; of consent, nothing is called.
COMMANDS = (*(product.commands for product in _PRODUCTS), consents.COMMANDS)
# Of all topics: one that comes by the wrong one is about another command all the same.
ABOUT_ANOTHER = tuple(name for commands in COMMANDS for name in commands.about_another)
OUTBOX = Outbox(tuple(product.effects for product in _PRODUCTS), result)


def outbound(parts: Parts) -> Products:
    """All of them, by kind."""
    made = [product.outbound(parts) for product in _PRODUCTS]
    return {one.effects.kind: one for one in made}
