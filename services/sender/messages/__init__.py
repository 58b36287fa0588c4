"""Messages, as the sender carries them out: `commands` (as they are produced), `outbound` (all of it, put together),
`creating` (the call).

Beside that: `asking` (what the gate looks at), `status_urls` (whom Twilio tells), `rates`; `finding`, `listing` and
`dates` (what became of a call without a known end), `dater` (which word of a person was the later).
"""

from services.domain.messages.effects import EFFECTS
from services.sender.messages.commands import COMMANDS
from services.sender.messages.outbound import outbound
from services.sender.outbound import Product

PRODUCT = Product(EFFECTS, COMMANDS, outbound)
