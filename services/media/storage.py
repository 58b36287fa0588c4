"""Object storage, by the S3 API. Without keys in the settings it goes by the machine's role, as obstore finds it."""

from datetime import timedelta
from typing import Any

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from services.runtime.sections.media import StorageSettings

# How long it is tried again within one call; the row is tried again later.
_RETRY: Any = {"max_retries": 2, "retry_timeout": timedelta(seconds=20)}


class StorageAway(Exception):
    """The object may or may not be there: to put it again comes to the same."""


class Storage:
    """One bucket."""

    def __init__(self, settings: StorageSettings, timeout_s: float) -> None:
        self.bucket = settings.bucket
        given: Any = {"region": settings.region, "virtual_hosted_style_request": not settings.path_style}
        if settings.endpoint:
            given["endpoint"] = settings.endpoint
        if settings.access_key_id and settings.secret_access_key:
            given["access_key_id"] = settings.access_key_id.get_secret_value()
            given["secret_access_key"] = settings.secret_access_key.get_secret_value()
        options: Any = {"allow_http": bool(settings.endpoint), "timeout": timedelta(seconds=timeout_s)}
        self._store = S3Store(self.bucket, config=given, client_options=options, retry_config=_RETRY)

    async def put(self, key: str, content: bytes, content_type: str) -> None:
        """Raises StorageAway. A browser is to save it, not to show it."""
        attributes: Any = {"Content-Type": content_type, "Content-Disposition": "attachment"}
        try:
            await obstore.put_async(self._store, key, content, attributes=attributes, use_multipart=False)
        except (BaseError, OSError, ValueError) as error:
            # Its text may have a signature in a URL.
            raise StorageAway(f"bucket {self.bucket}: {type(error).__name__}") from error

    async def link(self, key: str, seconds: float) -> str:
        """A URL by which anybody reads this object, so long. Raises StorageAway, and ValueError for what is no key."""
        try:
            signed: str = await obstore.sign_async(self._store, "GET", key, timedelta(seconds=seconds))
        except TypeError as error:
            # It says no more of an empty part, a dot or a control character.
            raise ValueError(str(error)) from error
        except (BaseError, OSError) as error:
            # Such as a role whose keys cannot be had.
            raise StorageAway(f"bucket {self.bucket}: {type(error).__name__}") from error
        return signed
