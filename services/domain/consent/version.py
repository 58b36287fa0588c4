"""Of all that was said of a contact's consent, a version: with the next word it is another."""

import hashlib

import msgspec

from services.domain.consent.standing import Standing


def version(standing: Standing | None) -> str:
    """Eight hex digits, the same for the same statements, in whatever order they came; empty where there are none."""
    said: tuple[object, ...] = (standing.outs, standing.ins, standing.suspects, standing.dismissed) if standing else ()
    if standing is not None and standing.deactivated:
        said = (*said, standing.deactivated)
    return hashlib.sha256(msgspec.json.encode(said, order="sorted")).hexdigest()[:8] if any(said) else ""
