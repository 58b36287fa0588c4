"""The conditions under which a command waits, by name: the kind first, then the contact or what else it goes by."""

HOLD = "hold"
TENANT = "tenant"
SUSPECTED = "suspected"
LOOKUP = "lookup"
MEDIA = "media"
REGISTRATION = "registration"


def of_tenant(tenant: str) -> str:
    """The condition under which a tenant's commands wait for its settings."""
    return f"{TENANT} {tenant}"


def hold_of(contact: str) -> str:
    """The condition under which what is meant for a held contact waits."""
    return f"{HOLD} {contact}"


def suspected_of(contact: str, statements_version: str) -> str:
    """The condition under which marketing waits: nothing more was said of the contact's consent."""
    return f"{SUSPECTED} {contact} {statements_version}"


def lookup_of(contact: str) -> str:
    """The condition under which a contact's commands wait while its number is looked up."""
    return f"{LOOKUP} {contact}"


def media_of(contact: str, digest: str) -> str:
    """The condition under which a command waits for a look at its media."""
    return f"{MEDIA} {contact} {digest}"


def registration_of(tenant: str, registry_version: str) -> str:
    """The condition under which a tenant's commands wait for carriers: nothing more was read of its registrations."""
    return f"{REGISTRATION} {tenant} {registry_version}"
