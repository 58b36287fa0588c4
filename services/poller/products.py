"""The products that are read, a line each."""

from services.poller.messages import MESSAGES
from services.poller.polled import Polled
from services.poller.studio import STUDIO

PRODUCTS: tuple[Polled, ...] = (MESSAGES, STUDIO)
