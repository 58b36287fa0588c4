"""Executions of Studio's flows, as the sender starts them: `commands` (as they are produced), `asking` (what the gate
looks at), `starting` (the call, and what is done about an execution in the way), `checking` (what a resolution names),
`stopping` (a STOP ends what its contact is in), `asked` (Twilio, for these two); `outbound` puts them together."""

from services.domain.studio.effects import EFFECTS
from services.sender.outbound import Product
from services.sender.studio.commands import COMMANDS
from services.sender.studio.outbound import outbound

PRODUCT = Product(EFFECTS, COMMANDS, outbound)
