"""What is asked of media, and done with them."""

from typing import Annotated

from pydantic import Field

from services.runtime.section import Section


class MediaSettings(Section):
    """What is asked of media before they are sent, and what is done with those that people send."""

    preflight: bool | None = Field(
        default=None,
        description="look at each media URL before an attempt; left out: where Twilio itself is called, and not where "
        "it is an emulator, which fetches nothing",
    )
    signed_for_s: float = Field(
        default=600.0, ge=0, le=86_400, description="how long a signed URL must hold from the attempt on"
    )
    document_bytes: int = Field(
        default=16 << 20, ge=1, le=100 << 20, description="the most of a document by WhatsApp; Meta takes 100 MB"
    )
    mms_file_bytes: int = Field(
        default=500 << 10, ge=1, le=5 << 20, description="the most of a file by MMS that is no JPEG, PNG or GIF"
    )
    types: list[Annotated[str, Field(pattern=r"^[A-Za-z0-9.+-]+/[A-Za-z0-9.+-]+$")]] = Field(
        default_factory=list,
        max_length=100,
        description="media types that Twilio has come to take since",
    )
    copy_inbound: bool = Field(default=True, description="what people send is copied, where the worker `media` runs")
    delete_inbound: bool = Field(default=False, description="what was copied is then taken away at Twilio")
