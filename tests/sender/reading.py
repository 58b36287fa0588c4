"""Public commands as the sender reads them."""

from functools import partial

from services.sender import consents
from services.sender.messages.commands import COMMANDS
from services.sender.requests import read

read_message = partial(read, COMMANDS)
read_consent = partial(read, consents.COMMANDS)
