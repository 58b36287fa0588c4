"""How fast a campaign's messages go out, by the trust score of its brand: segments of SMS a second.

As resellers of Twilio's repeat its page on message throughput (2024 to 2026): in all, over AT&T, T-Mobile and Verizon
together, each a third of it. Twilio's own page could not be read here. Of a brand whose score is not known nothing is
said.
"""

from services.domain.compliance.events import Brand, Campaign

_BY_SCORE = ((75, 225.0), (50, 120.0), (0, 12.0))
_LOW_VOLUME, _SOLE_PROPRIETOR = 3.75, 1.0


def a_second(campaign: Campaign, brand: Brand | None) -> float | None:
    """What a campaign sends in all, whichever of its numbers it takes; None: not known."""
    if campaign.usecase == "SOLE_PROPRIETOR" or (brand is not None and brand.type == "SOLE_PROPRIETOR"):
        return _SOLE_PROPRIETOR
    if campaign.usecase == "LOW_VOLUME":
        return _LOW_VOLUME
    if brand is None or brand.score is None:
        return None
    return next((rate for least, rate in _BY_SCORE if brand.score >= least), None)
