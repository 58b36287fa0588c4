"""What was created, in memory until a reset. It grows with every message: a simulator is for tests."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from services.simulator import moments
from services.simulator.message import Message
from services.simulator.plan import Step

# Who made a message: a person, a create request, the answer to a webhook, Twilio itself (to STOP, START or HELP), a
# flow.
Origin = Literal["inbound", "api", "webhook_answer", "opt_out_reply", "flow"]


@dataclass(frozen=True)
class Record:
    """A message with its past. `params`: the request that created it; `history`: (status, when) in turn."""

    message: Message
    origin: Origin
    params: tuple[tuple[str, str], ...]
    status_callback: str | None
    history: tuple[tuple[str, datetime], ...]
    deleted: bool = False


class Store:
    """Messages by sid, in order of creation. Deleted ones stay, marked, so that tests can count them."""

    def __init__(self) -> None:
        self._records: dict[str, Record] = {}

    def __iter__(self) -> Iterator[Record]:
        return iter(self._records.values())

    def clear(self) -> None:
        self._records = {}

    def __contains__(self, sid: str) -> bool:
        return sid in self._records

    def add(
        self, message: Message, origin: Origin, params: tuple[tuple[str, str], ...], status_callback: str | None
    ) -> Record:
        record = Record(message, origin, params, status_callback, ((message.status, message.created_at),))
        self._records[message.sid] = record
        return record

    def find(self, account_sid: str, sid: str) -> Message | None:
        """The account's message, unless it was deleted."""
        record = self._records.get(sid)
        known = record is not None and not record.deleted and record.message.account_sid == account_sid
        return record.message if known and record is not None else None

    def of_account(self, account_sid: str) -> list[Message]:
        """The account's messages that were not deleted, oldest first."""
        return [record.message for record in self if record.message.account_sid == account_sid and not record.deleted]

    def get(self, sid: str) -> Record:
        return self._records[sid]

    def reach(self, sid: str, step: Step) -> Message:
        """The message as it is after this step."""
        record, now = self._records[sid], moments.now()
        sent_at = now if step.status == "sent" else record.message.sent_at
        message = replace(
            record.message, status=step.status, error_code=step.error_code, updated_at=now, sent_at=sent_at
        )
        self._records[sid] = replace(record, message=message, history=(*record.history, (step.status, now)))
        return message

    def redact(self, sid: str) -> Message:
        """The message without its text."""
        record = self._records[sid]
        message = replace(record.message, body="", updated_at=moments.now())
        self._records[sid] = replace(record, message=message)
        return message

    def delete(self, sid: str) -> None:
        self._records[sid] = replace(self._records[sid], deleted=True)
