"""The hands that set webhook URLs at Twilio, kind by kind."""

from collections.abc import Mapping
from typing import Any

from twilio.base.exceptions import TwilioRestException

from services.operations.calling import Account
from services.operations.changing import Change
from services.operations.webhooks.reading import fields_of


class WebhookHands:
    """For the endpoints of these accounts."""

    def __init__(self, accounts: Mapping[str, Account]) -> None:
        self._accounts = accounts

    def look(self, change: Change) -> Mapping[str, str]:
        fetched = self._resource(change).fetch()
        given = fetched.webhook if change.kind == "channel sender" else fetched
        now = fields_of(change.kind, given)
        return {name: now.get(name, "") for name in change.after}

    def make(self, change: Change) -> None:
        if change.kind == "channel sender":
            self._set_channel(change)
        else:
            self._resource(change).update(**change.after)

    def _resource(self, change: Change) -> Any:
        client = self._accounts[change.account].client
        match change.kind:
            case "number":
                return client.incoming_phone_numbers(change.sid)
            case "short code":
                return client.api.account.short_codes(change.sid)
            case "service":
                return client.messaging.v1.services(change.sid)
            case _:
                return client.messaging.v2.channels_senders(change.sid)

    def _set_channel(self, change: Change) -> None:
        """All of its webhook, as it is but for the change: whether Twilio keeps what is left out is not confirmed.

        Past the package's own call, which would state a profile and a configuration of nothing besides.
        """
        sender = self._resource(change).fetch()
        client = self._accounts[change.account].client
        answer = client.request(
            "POST",
            f"{client.messaging.base_url}/v2/Channels/Senders/{change.sid}",
            data={"webhook": {**{k: v for k, v in _webhook(sender.webhook).items() if v}, **change.after}},
            headers={"Content-Type": "application/json"},
        )
        if not 200 <= answer.status_code < 300:
            raise TwilioRestException(answer.status_code, change.subject, "the sender's webhook is not set")


def _webhook(given: Any) -> dict[str, Any]:
    return dict(given if isinstance(given, dict) else given.to_dict()) if given else {}
