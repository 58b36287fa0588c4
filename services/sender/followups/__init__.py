"""Commands about messages that exist: `commands` (as they are produced), `asking` (what the gate looks at), `calls`
(the calls, and what their answers mean); `outbound` puts them together."""

from services.domain.followups.effects import EFFECTS
from services.sender.followups.commands import COMMANDS
from services.sender.followups.outbound import outbound
from services.sender.outbound import Product

PRODUCT = Product(EFFECTS, COMMANDS, outbound)
