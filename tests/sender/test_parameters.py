"""Every parameter of Twilio's create call: a command can say it and it is posted, or it is named with why not."""

import inspect
from typing import Any
from urllib.parse import parse_qsl

import pytest
from twilio.rest.api.v2010.account.message import MessageList

from services.contract.commands import read_message_command
from services.contract.parameters import PARAMETERS
from services.domain.messages.commands import CommandAccepted, SendMessage
from services.sender.messages.creating import form
from tests.domain.test_intake import CONTENT, SERVICE, taken

NOT_PASSED_ON = {
    "SendAt": "Switchboard keeps what is to be sent later itself",
    "ScheduleType": "Switchboard keeps what is to be sent later itself",
}
BY_SWITCHBOARD = {"StatusCallback": "Switchboard sets it"}
GIVEN: dict[str, dict[str, Any]] = {
    "To": {"to": "+14155550123"},
    "From": {"from_": "+14155550100"},
    "MessagingServiceSid": {"messaging_service_sid": SERVICE},
    "FallbackFrom": {"from_": None, "messaging_service_sid": SERVICE, "fallback_from": "+14155550199"},
    "Body": {"body": "Hello"},
    "MediaUrl": {"media_urls": ["https://example.com/a.jpg"]},
    "ContentSid": {"body": None, "content_sid": CONTENT},
    "ContentVariables": {"body": None, "content_sid": CONTENT, "content_variables": {"1": "Ann"}},
    "ApplicationSid": {"application_sid": "AP" + "f" * 32},
    "MaxPrice": {"max_price": 0.5},
    "ProvideFeedback": {"provide_feedback": True},
    "Attempt": {"attempt": 2},
    "ValidityPeriod": {"validity_period": 3600},
    "ForceDelivery": {"force_delivery": True},
    "ContentRetention": {"content_retention": "discard"},
    "AddressRetention": {"address_retention": "obfuscate"},
    "SmartEncoded": {"smart_encoded": True},
    "PersistentAction": {
        "to": "whatsapp:+14155550123",
        "from_": "whatsapp:+14155550100",
        "persistent_action": ["geo:1,2"],
    },
    "TrafficType": {"traffic_type": "free"},
    "ShortenUrls": {"messaging_service_sid": SERVICE, "shorten_urls": True},
    "SendAsMms": {"send_as_mms": True},
    "MessageIntent": {"message_intent": "otp"},
    "RiskCheck": {"risk_check": "disable"},
}


def posted(command: CommandAccepted) -> dict[str, str]:
    return dict(parse_qsl(form(command, "https://example.com/status").decode()))


def test_the_table_has_every_parameter_that_twilios_client_has() -> None:
    known = {name.rstrip("_").replace("_", "") for name in inspect.signature(MessageList.create_async).parameters}
    assert {name.lower() for name in (*GIVEN, *NOT_PASSED_ON, *BY_SWITCHBOARD)} == known - {"self"}
    assert set(PARAMETERS) == known - {"self"}


@pytest.mark.parametrize("name", GIVEN)
def test_a_command_can_say_it_and_it_is_posted(name: str) -> None:
    assert posted(taken(**GIVEN[name]))[name]
    assert "StatusCallback" in posted(taken(**GIVEN[name]))


@pytest.mark.parametrize(("name", "why"), [*NOT_PASSED_ON.items(), *BY_SWITCHBOARD.items()])
def test_what_it_cannot_say_is_refused_with_why(name: str, why: str) -> None:
    least = {"command_id": "a", "tenant": "acme", "to": "+14155550123", "from": "+14155550100", "body": "x"}
    told = read_message_command(least | {name: "x"})
    assert isinstance(told, list)
    assert told[0].startswith(f"{name}: no such field; {why}")
    assert isinstance(read_message_command(least), SendMessage)
