"""The hands that make, set and fill Messaging Services."""

from collections.abc import Mapping
from typing import Any

from twilio.base.exceptions import TwilioRestException

from services.operations.calling import PAGE_SIZE, Account
from services.operations.changing import Change
from services.operations.senders import POOLS
from services.operations.services.planning import IN, OUT, place_of
from services.operations.services.reading import settings_of
from services.operations.webhooks.reading import fields_of

_NOT_FOUND = 404


class ServiceHands:
    """For these accounts. It remembers the services that it made, for those who are to join them."""

    def __init__(self, accounts: Mapping[str, Account]) -> None:
        self._accounts = accounts
        self._made: dict[tuple[str, str], str] = {}

    def look(self, change: Change) -> Mapping[str, str]:
        services = self._services(change)
        match change.kind:
            case "new service":
                # Somebody else may have made it meanwhile: Twilio would make a second of the name.
                same = [one for one in services.stream(page_size=PAGE_SIZE) if one.friendly_name == change.name]
                return _fields(same[0], change) if same else change.before
            case "service":
                return _fields(services(change.sid).fetch(), change)
            case _:
                return IN if self._is_in(change) else OUT

    def make(self, change: Change) -> None:
        services = self._services(change)
        match change.kind:
            case "new service":
                self._made[change.account, place_of(change.name)] = services.create(**change.after).sid
            case "service":
                services(change.sid).update(**change.after)
            case "joins":
                self._pool(change).create(change.sid)
            case _:
                self._pool(change)(change.sid).delete()

    def _is_in(self, change: Change) -> bool:
        collection = change.subject.split("/")[-2]
        if collection == "AlphaSenders":
            found = self._pool(change).stream(page_size=PAGE_SIZE)
            return any(change.name == getattr(one, POOLS[collection][1]) for one in found)
        try:
            self._pool(change)(change.sid).fetch()
        except TwilioRestException as error:
            if error.status == _NOT_FOUND:
                return False
            raise
        return True

    def _pool(self, change: Change) -> Any:
        """Of the service in the change's path, which is a name where the service was to be made first."""
        *_, service, collection, _ = change.subject.split("/")
        sid = self._made.get((change.account, service), service)
        return getattr(self._services(change)(sid), POOLS[collection][0])

    def _services(self, change: Change) -> Any:
        return self._accounts[change.account].client.messaging.v1.services


def _fields(service: Any, change: Change) -> dict[str, str]:
    now = {**settings_of(service), **fields_of("service", service)}
    return {name: now.get(name, "") for name in change.after}
