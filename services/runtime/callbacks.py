"""Can Twilio call us? Else it refuses each message for its StatusCallback (21609), or its callbacks never come."""

from services.domain.public_url import not_public
from services.runtime.config import Settings
from services.runtime.urls import is_twilio


def uncallable(settings: Settings) -> list[str]:
    """What keeps the real Twilio from calling `public_url`, with the remedy. An emulator may call whatever it can.

    One that is polled calls nothing.
    """
    if settings.twilio.polled or not is_twilio(settings.twilio.api):
        return []
    if (fault := not_public(settings.public_url)) is None:
        return []
    return [
        f"public_url {fault}; Twilio ({settings.twilio.api}) refuses messages whose callback it cannot call (21609): "
        "set it to the https URL at which the internet reaches the ingress"
    ]
