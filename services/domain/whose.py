"""Whose a fact is: its tenant's, who may speak of that tenant's own people alone."""

from typing import Any


def is_anothers(event: Any) -> bool:
    """Does a fact of one tenant name a contact of another's? Contact keys begin with their tenant: `acme|3f…`."""
    tenant = getattr(event, "tenant", None)
    if tenant is None:
        return False
    contact, linked = getattr(event, "contact", None), getattr(event, "linked", None) or ()
    if not linked and (contact is None or contact.startswith(f"{tenant}|")):
        # As of nearly all.
        return contact is not None and "|" in contact[len(tenant) + 1 :]
    named = (contact, *((linked,) if isinstance(linked, str) else linked))
    owners = (name.rpartition("|")[0] for name in named if name)
    # The key of a pause is a partition's, and nobody's.
    return any(owner not in ("", tenant) for owner in owners)
