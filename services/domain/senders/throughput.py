"""How fast Twilio sends from a sender of a kind, before anybody asks it for more."""

from collections.abc import Mapping

from services.domain.senders.events import Kind

# Segments of SMS, else messages, a second: Twilio's pages on rate limits and queues, on toll-free and on alphanumeric
# throughput, and WhatsApp's 80. A long code's rate depends on its country, and in the US on its campaign.
TWILIOS: Mapping[Kind, float] = {"toll_free": 3.0, "short_code": 100.0, "alphanumeric": 10.0, "whatsapp": 80.0}
