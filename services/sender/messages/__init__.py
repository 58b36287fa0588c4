"""Messages, as the sender carries them out: `commands` (as they are produced), `asking` (what the gate looks at),
`creating` (the call), `status_urls` (whom Twilio tells), `finding`, `listing` and `dates` (what became of a
call without a known end), `dater` (which word of a person was the later); `outbound` puts them together."""

from services.domain.messages.effects import EFFECTS
from services.sender.messages.commands import COMMANDS
from services.sender.messages.outbound import outbound
from services.sender.outbound import Product

PRODUCT = Product(EFFECTS, COMMANDS, outbound)
