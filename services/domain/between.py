"""What one step of a fold tells those behind it, within the same event, and nobody else: it is on no topic."""

import msgspec


class Between(msgspec.Struct, frozen=True, kw_only=True):
    """Folded in the transaction of what it follows from, so exactly as often."""
