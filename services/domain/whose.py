"""Whose a fact is: its tenant's, who may speak of that tenant's own people alone."""

from typing import Any


def is_anothers(event: Any) -> bool:
    """Does a fact of one tenant name a contact of another's? Contact keys begin with their tenant: `acme|3f…`."""
    tenant = getattr(event, "tenant", None)
    if tenant is None:
        return False
    linked = getattr(event, "linked", None) or ()
    named = (getattr(event, "contact", None), *((linked,) if isinstance(linked, str) else linked))
    owners = (name.rpartition("|")[0] for name in named if name)
    # The key of a pause is a partition's, and nobody's.
    return any(owner not in ("", tenant) for owner in owners)
