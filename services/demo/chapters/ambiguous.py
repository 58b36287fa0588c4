"""A send of which nobody knows whether it was one, until Twilio's callback tells."""

from dataclasses import replace

from services.demo.chapters.cast import person, sends, sms
from services.demo.script import Chapter, Produce, Steer

# Few: after some in a row a sender leaves the account alone for a while.
_SENDS = 3
# Slow callbacks: the call's error comes first, as it does when Twilio is in trouble.
_CREATED_AND_FAILED = {"error_after": 1.0, "callback_delay_s": 0.4}

CHAPTER = Chapter(
    "ambiguous",
    "Twilio creates, then answers 500: settled by its status callback",
    (
        Steer("faults", _CREATED_AND_FAILED),
        Produce(
            tuple(
                replace(sends(f"ambiguous-{number}", person(100 + number), **sms("Did you get this?")), ambiguous=True)
                for number in range(_SENDS)
            )
        ),
        Steer("faults"),
    ),
)
