"""Whom a contact key on the log stands for, of all who take part."""

import json
from collections.abc import Iterable, Mapping

from services.demo.script import Command, Reply
from services.demo.settings import ACCOUNTS
from services.domain.contact import bare, contact_key
from services.runtime.config import Settings


def people(settings: Settings, commands: Iterable[Command], replies: Iterable[Reply]) -> Mapping[str, str]:
    """Contact key → tenant and address."""
    tenants = {account: tenant for tenant, account in ACCOUNTS.items()}
    asked = [json.loads(command.value) for command in commands if not command.malformed]
    pairs = {(one["tenant"], one.get("to") or one.get("address") or "") for one in asked}
    pairs |= {(tenants[reply.request["account_sid"]], reply.request["from"]) for reply in replies}
    return {
        contact_key(tenant, address, settings.tenants[tenant].contact_secret.get_secret_value().encode()): (
            f"{tenant} {bare(address)}"
        )
        for tenant, address in pairs
        if tenant in settings.tenants
    }
