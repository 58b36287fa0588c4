"""What is looked at of a command."""

from typing import Literal

import msgspec


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked at of a command. `scopes`: of its sender and Messaging Service.

    `template`: it has one; `template_name`, `template_language`: by which it names it, where it does. `freeform`: it
    has a text or a medium beside its template. `purpose_said`: the producer said it. `unseen`: nobody knows what will
    be written: it needs all that a free text needs, and the consent that a template needs. `act`: it writes a message;
    shows the person a sign that is none; or changes a record at Twilio, of which they get nothing.
    `although_unreachable`: it is to be tried where the number is left alone. `media`: the digest of its media's URLs,
    by which a look at them is known; null: it has none. `link`: whose URL goes where they are not taken: the media's or
    another; null: then nothing goes.
    """

    tenant: str
    channel: str
    sender: str
    scopes: list[str]
    template: bool
    not_after: str
    country: str | None = None
    confirms: Literal["stop", "start"] | None = None
    not_before: str | None = None
    label: str | None = None
    contact: str = ""
    purpose: str = "utility"
    freeform: bool = False
    template_name: str | None = None
    template_language: str | None = None
    purpose_said: bool = True
    unseen: bool = False
    act: Literal["message", "sign", "record"] = "message"
    although_unreachable: bool = False
    media: str | None = None
    link: Literal["media", "other"] | None = None
