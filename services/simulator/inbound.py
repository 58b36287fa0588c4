"""The request that plays a person: checked, and made into what Twilio hears."""

from typing import Self

from pydantic import Base64Bytes, BaseModel, ConfigDict, Field, model_validator

from services.simulator.addresses import bare, channel, is_phone, is_scoped_id
from services.simulator.people import variant
from services.simulator.written import Medium, Written


class InboundMedium(BaseModel):
    """A file that a person sends: what is in it, in base 64, for Twilio to keep; or where else it lies. Its MIME type
    is what Twilio tells of it."""

    model_config = ConfigDict(extra="forbid")

    url: str | None = None
    content: Base64Bytes | None = None
    content_type: str = "image/jpeg"

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.url is None) == (self.content is None):
            raise ValueError("media: give each a url or a content")
        return self


class InboundRequest(BaseModel):
    """What a person sends. `media` takes URLs or {url or content, content_type}; `params` adds or replaces fields.

    By WhatsApp `from` is a phone or a business-scoped id, and `phone` or `external_user_id` tells the other of the
    two. `variant` writes the phone in the other spelling of the same person. `lost`: its webhook never leaves.
    """

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    account_sid: str
    sender: str = Field(alias="from", min_length=1)
    to: str = Field(min_length=1)
    body: str = ""
    media: list[str | InboundMedium] = []
    params: dict[str, str] = {}
    messaging_service_sid: str | None = Field(default=None, pattern=r"^MG[0-9a-fA-F]{32}$")
    phone: str | None = None
    external_user_id: str | None = None
    variant: bool = False
    lost: bool = False

    @model_validator(mode="after")
    def _one_person(self) -> Self:
        if (self.phone or self.external_user_id) and channel(self.sender) != "whatsapp":
            raise ValueError("phone, external_user_id: only a person on WhatsApp has both; write from as whatsapp:…")
        if self.phone and not is_phone(self.phone):
            raise ValueError(f"phone: {self.phone} is no phone number in E.164, such as +14155550123")
        if self.external_user_id and not is_scoped_id(self.external_user_id):
            raise ValueError(f"external_user_id: {self.external_user_id} is none, such as US.13491208655302741918")
        name = bare(self.sender)
        named = self.external_user_id if is_scoped_id(name) else self.phone
        if named not in (None, name):
            raise ValueError(f"from: it says {name}, but beside it stands {named}; one person has one of each")
        if self.variant and variant(self._phone or "") is None:
            raise ValueError(f"variant: {self._phone or name} has no other spelling; mobiles of +52 have, say")
        return self

    @property
    def _phone(self) -> str | None:
        own = bare(self.sender)
        return self.phone or (own if own.startswith("+") else None)

    @property
    def _scoped_id(self) -> str | None:
        own = bare(self.sender)
        return self.external_user_id or (own if channel(self.sender) == "whatsapp" and is_scoped_id(own) else None)

    def media_given(self) -> list[InboundMedium]:
        return [InboundMedium(url=medium) if isinstance(medium, str) else medium for medium in self.media]

    def written(self, media: tuple[Medium, ...], sid: str | None) -> Written:
        """What Twilio hears. Who has a business-scoped id is shown by it. `sid`: the message's, where it has one."""
        phone = variant(self._phone or "") if self.variant else self._phone
        sender = self.sender
        if self._scoped_id:
            sender = f"whatsapp:{self._scoped_id}"
        elif self.variant:
            sender = self.sender.replace(bare(self.sender), phone or "")
        return Written(
            sender=sender,
            to=self.to,
            body=self.body,
            media=media,
            extra={"MessageSid": sid, **self.params} if sid else self.params,
            service_sid=self.messaging_service_sid,
            phone=phone,
            scoped_id=self._scoped_id,
            lost=self.lost,
        )
