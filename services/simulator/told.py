"""What the simulator's own API answers, as JSON."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aiohttp import web
from pydantic import ValidationError

from services.simulator.message import resource
from services.simulator.store import Record
from services.simulator.webhooks import Delivery

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


def record_json(record: Record) -> Mapping[str, Any]:
    """A message with its past."""
    return {
        "sid": record.message.sid,
        "account_sid": record.message.account_sid,
        "direction": record.message.direction,
        "origin": record.origin,
        "status_callback": record.status_callback,
        "params": _grouped(record.params),
        "statuses": [{"status": status, "at": moment.isoformat()} for status, moment in record.history],
        "deleted": record.deleted,
        "resource": resource(record.message),
    }


def delivery_json(delivery: Delivery) -> Mapping[str, Any]:
    """A webhook, and what became of it."""
    webhook = delivery.webhook
    return {
        "kind": webhook.kind,
        "sid": webhook.sid,
        "status": webhook.status,
        "url": webhook.url,
        "params": _grouped(webhook.form),
        "http_status": delivery.http_status,
        "attempts": delivery.attempts,
        "error": delivery.error,
        "lost": delivery.lost,
        "idempotency_token": delivery.idempotency_token,
        "at": delivery.at.isoformat(),
    }


def _grouped(pairs: tuple[tuple[str, str], ...]) -> dict[str, str | list[str]]:
    """Fields by name: a string, or a list where the name repeats."""
    grouped: dict[str, list[str]] = {}
    for name, value in pairs:
        grouped.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in grouped.items()}


def invalid(error: ValidationError) -> web.Response:
    """400, with one line for each fault."""
    faults = [_line(fault) for fault in error.errors(include_url=False, include_input=False)]
    return web.json_response({"errors": faults}, status=400)


def _line(fault: "ErrorDetails") -> str:
    place = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "value_error" and not place:
        # A rule about several fields: its sentence names them.
        return fault["msg"].removeprefix("Value error, ")
    return f"{place or 'body'}: {fault['msg']}"
