"""Where Twilio is, and by which way."""

from typing import Annotated

from pydantic import AfterValidator, Field

from services.runtime.regions import Region, regional
from services.runtime.section import Section
from services.runtime.urls import guarded, is_twilio

_TWILIO_API = "https://api.twilio.com"
BaseURL = Annotated[str, AfterValidator(guarded)]


class TwilioSettings(Section):
    """Twilio's base URLs by product, so that each can point at an emulator."""

    api: BaseURL = _TWILIO_API
    messaging: BaseURL | None = Field(
        default=None, description="services and their senders; default: Twilio's own, or `api` where that is not Twilio"
    )
    monitor: BaseURL | None = Field(
        default=None, description="its alerts, for the doctor; default: Twilio's own, or `api` where that is not Twilio"
    )
    content: BaseURL | None = Field(
        default=None, description="content templates; default: Twilio's own, or `api` where that is not Twilio"
    )
    studio: BaseURL | None = Field(
        default=None, description="flows and executions; default: Twilio's own, or `api` where that is not Twilio"
    )
    pricing: BaseURL | None = Field(
        default=None, description="the price list; default: Twilio's own, or `api` where that is not Twilio"
    )
    lookups: BaseURL | None = Field(
        default=None,
        description="what stands behind a number; default: Twilio's own, or `api` where that is not Twilio",
    )
    polled: bool = Field(
        default=False,
        description="Twilio cannot call us: messages are created without a status callback, and its lists are read "
        "instead; `switchboard dev` does so",
    )

    @property
    def messaging_url(self) -> str:
        return self.messaging or self._beside("messaging")

    @property
    def monitor_url(self) -> str:
        return self.monitor or self._beside("monitor")

    @property
    def content_url(self) -> str:
        return self.content or self._beside("content")

    @property
    def studio_url(self) -> str:
        return self.studio or self._beside("studio")

    @property
    def pricing_url(self) -> str:
        return self.pricing or self._beside("pricing")

    @property
    def lookups_url(self) -> str:
        return self.lookups or self._beside("lookups")

    @property
    def urls(self) -> dict[str, str]:
        """By the name of the setting, each as it counts."""
        return {
            "api": self.api,
            "messaging": self.messaging_url,
            "monitor": self.monitor_url,
            "content": self.content_url,
            "studio": self.studio_url,
            "pricing": self.pricing_url,
            "lookups": self.lookups_url,
        }

    def _beside(self, product: str) -> str:
        """The host of another product, in the same edge and region: `https://messaging.dublin.ie1.twilio.com`."""
        return self.api.replace("://api.", f"://{product}.", 1) if is_twilio(self.api) else self.api

    def in_region(self, region: Region) -> "TwilioSettings":
        """The same, of a region."""
        return self.model_copy(update={name: regional(url, region) for name, url in self.urls.items()})
