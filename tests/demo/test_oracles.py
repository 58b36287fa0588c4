"""The oracles of consent and windows, from what was played alone."""

from datetime import UTC, datetime, timedelta

import pytest

from services.contract.consent import CONSENT_COMMANDS
from services.demo.chapters import CHAPTERS
from services.demo.oracle_consent import confirmations, statements, suppressions
from services.demo.oracle_windows import windows
from services.demo.script import Command
from services.demo.settings import ACME_SERVICE, ACME_SMS, ACME_WHATSAPP, CONFIRM_START, CONFIRM_STOP
from services.demo.twilio import Posted
from tests.demo.ends import written

AT = datetime(2026, 1, 1, tzinfo=UTC)
ME = "whatsapp:+11"


def wrote(body: str, seconds: float = 0.0, sender: str = ME, sid: str = "", **more: str) -> Posted:
    to = ACME_WHATSAPP if sender == ME else ACME_SMS
    return written(sid or f"SM {body} {seconds}", sender, to, body, AT + timedelta(seconds=seconds), **more)


@pytest.mark.parametrize(
    ("posted", "standing", "answers"),
    [
        ([wrote("Any news?"), wrote("HELP")], {}, []),
        ([wrote("STOP")], {"acme +11": f"sender:{ACME_WHATSAPP} (keyword)"}, [CONFIRM_STOP]),
        ([wrote("STOP"), wrote("START", 61)], {"acme +11": "nobody"}, [CONFIRM_STOP, CONFIRM_START]),
        # By Twilio's dates, which are asked for, the later word counts; of one second nobody knows which that is.
        ([wrote("STOP"), wrote("START", 59)], {"acme +11": "nobody"}, [CONFIRM_STOP]),
        ([wrote("STOP"), wrote("START", 0)], {"acme +11": f"sender:{ACME_WHATSAPP} (keyword)"}, [CONFIRM_STOP]),
        ([wrote("STOP"), wrote("stop", 5)], {"acme +11": f"sender:{ACME_WHATSAPP} (keyword)"}, [CONFIRM_STOP]),
        ([wrote("STOP", sid="x"), wrote("STOP", 9, sid="x")],
         {"acme +11": f"sender:{ACME_WHATSAPP} (keyword)"}, [CONFIRM_STOP]),
        ([wrote("START")], {}, []),
        ([wrote("STOP", sender="+11")], {"acme +11": f"sender:{ACME_SMS} (keyword)"}, []),
        ([wrote("STOP", MessagingServiceSid=ACME_SERVICE, OptOutType="STOP")],
         {"acme +11": f"sender:{ACME_WHATSAPP} (opt_out_type), service:{ACME_SERVICE} (opt_out_type)"}, []),
        ([wrote("STOP", MessagingServiceSid=ACME_SERVICE), wrote("START", 100)],
         {"acme +11": f"service:{ACME_SERVICE} (keyword)"}, [CONFIRM_STOP, CONFIRM_START]),
    ],
)  # fmt: skip
def test_what_was_written_suppresses_and_is_answered(
    posted: list[Posted], standing: dict[str, str], answers: list[str]
) -> None:
    said = statements((), posted)
    assert suppressions(said) == standing
    assert confirmations(said) == {f"{ME} {text}": 1 for text in answers}


@pytest.mark.parametrize(
    ("given", "standing"),
    [
        ([("opt_out", "2020-01-02T00:00:00Z")], "tenant (command)"),
        ([("opt_out", "2020-01-02T00:00:00Z"), ("opt_in", "2020-01-03T00:00:00Z")], "tenant (command)"),
        ([("opt_out", "2020-01-02T00:00:00Z"), ("opt_in", "2020-01-01T00:00:00Z")], "tenant (command)"),
    ],
)
def test_a_no_counts_from_when_it_was_taken_whatever_its_date(given: list[tuple[str, str]], standing: str) -> None:
    template = '{{"tenant":"acme","address":"{}","action":"{}","given_at":"{}","proof":"x"}}'
    commands = [
        Command(str(at), template.format("+11", *one).encode(), "recorded", topic=CONSENT_COMMANDS.name)
        for at, one in enumerate(given)
    ]
    assert suppressions(statements(commands, ())) == {"acme +11": standing}


@pytest.mark.parametrize(
    ("hours", "now", "life"),
    [
        ([0], 1, "opened"),
        ([0], 23.5, "opened, closing"),
        ([0], 25, "opened, closing, expired"),
        ([0, 20], 25, "opened"),
        ([0, 20], 45, "opened, closing, expired"),
        ([0, 25], 26, "opened, closing, expired, opened"),
    ],
)
def test_windows_live_a_day_from_the_last_message(hours: list[float], now: float, life: str) -> None:
    posted = [wrote("Hi", 3600 * hour) for hour in hours]
    assert windows(posted, AT + timedelta(hours=now)) == {f"acme +11 at {ACME_WHATSAPP}": life}


def test_only_whatsapp_has_windows() -> None:
    assert windows([wrote("Hi", sender="+11")], AT) == {}


def test_the_oracle_reads_each_word_that_the_chapters_use_as_the_chapters_mean_it() -> None:
    chapters = {chapter.name: chapter for chapter in CHAPTERS}
    for name, action, apart in (("STOP", "opt_out", {"START"}), ("START", "opt_in", {"When does it arrive?"})):
        for reply in chapters[name].replies:
            body = reply.request["body"]
            said = statements((), [wrote(body)])
            assert body in apart or [one.action for one in said] == [action]
