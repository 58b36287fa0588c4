"""What a channel takes of media, how long signed URLs hold, and what the gate says of it."""

from typing import Any

import pytest
from msgspec.structs import replace

from services.domain.gate.decide import decide
from services.domain.gate.media import as_link, picked
from services.domain.gate.question import Question
from services.domain.gate.view import View
from services.domain.media import Found, MediaRules, MediumSeen, judge, signature_ends
from services.domain.reachability import Unreachable

NOW = "2026-02-21T18:00:00.000Z"
PHOTO = "https://cdn.example.com/a.jpg"
_MB = 1 << 20


def faults(channel: str, *found: Found, url: str = PHOTO, **rules: Any) -> list[str | None]:
    seen = judge(channel, [(url, one) for one in found], MediaRules(**rules), NOW)
    return [one.fault for one in seen]


@pytest.mark.parametrize(
    ("channel", "type_", "size", "fits"),
    [
        ("mms", "image/jpeg", 5 * _MB, True),
        ("mms", "image/jpeg", 5 * _MB + 1, False),
        ("mms", "application/pdf", 500 << 10, True),
        ("mms", "application/pdf", (500 << 10) + 1, False),
        ("mms", "video/mp4", 400_000, True),
        ("mms", "application/zip", 1000, False),
        ("mms", "image/webp", 1000, False),
        ("whatsapp", "image/webp", 1000, True),
        ("whatsapp", "image/png", 5 * _MB, True),
        ("whatsapp", "image/png", 5 * _MB + 1, False),
        ("whatsapp", "video/mp4", 16 * _MB, True),
        ("whatsapp", "audio/ogg", 16 * _MB + 1, False),
        ("whatsapp", "application/pdf", 16 * _MB, True),
        ("whatsapp", "application/pdf", 16 * _MB + 1, False),
        ("whatsapp", "application/x-msdownload", 1000, False),
        ("rcs", "image/png", 16 * _MB, True),
        ("rcs", "image/png", 16 * _MB + 1, False),
        ("rcs", "image/heic", 1000, False),
        ("messenger", "application/zip", 100 * _MB, True),
        ("mms", "image/jpeg", None, True),
        ("mms", "image/jpeg", 0, False),
        ("mms", None, 1000, False),
        ("mms", "application/octet-stream", 1000, False),
    ],
)
def test_what_each_channel_takes(channel: str, type_: str | None, size: int | None, fits: bool) -> None:
    assert (faults(channel, Found(type_, size)) == [None]) is fits


def test_settings_widen_what_is_taken() -> None:
    assert faults("whatsapp", Found("application/pdf", 90 * _MB), documents=100 * _MB) == [None]
    assert faults("mms", Found("image/avif", 1000), types=frozenset({"image/avif"})) == [None]


def test_one_bad_of_ten_is_named_and_no_other() -> None:
    good = Found("image/jpeg", 1000)
    told = faults("mms", *[good] * 6, Found(fault="answers 404"), *[good] * 3)
    assert [place for place, fault in enumerate(told) if fault] == [6]


def test_media_that_fit_one_by_one_may_be_too_much_together() -> None:
    told = faults("mms", Found("image/jpeg", 3 * _MB), Found("image/png", 3 * _MB))
    assert told[0] is None
    assert told[1] == "makes 6,291,456 bytes together with the others; MMS takes 5,242,880 in a message"


@pytest.mark.parametrize(
    ("query", "ends"),
    [
        ("X-Amz-Date=20260221T175000Z&X-Amz-Expires=900&X-Amz-Signature=x", "2026-02-21T18:05:00.000Z"),
        ("x-goog-date=20260221T175000Z&x-goog-expires=900&x-goog-signature=x", "2026-02-21T18:05:00.000Z"),
        ("sv=2024-11-04&se=2026-02-21T18%3A05%3A00Z&sig=x", "2026-02-21T18:05:00.000Z"),
        ("se=2026-02-21&sig=x", "2026-02-21T00:00:00.000Z"),
        ("Expires=1771697100&Signature=x&AWSAccessKeyId=k", "2026-02-21T18:05:00.000Z"),
        ("Expires=1771697100&Key-Pair-Id=k&Signature=x", "2026-02-21T18:05:00.000Z"),
        # No signature, or none that can be read.
        ("expires=1771697100", None),
        ("se=2026", None),
        ("X-Amz-Date=yesterday&X-Amz-Expires=900", None),
        ("X-Amz-Date=20260221T175000Z&X-Amz-Expires=" + "9" * 40, None),
        ("Expires=" + "9" * 40 + "&Signature=x", None),
        ("", None),
    ],
)
def test_until_when_a_signed_url_holds(query: str, ends: str | None) -> None:
    assert signature_ends(f"{PHOTO}?{query}") == ends


def test_a_signed_url_is_judged_at_the_attempt() -> None:
    """What held when it was produced may have ended when it is to be sent."""
    url = f"{PHOTO}?X-Amz-Date=20260221T170000Z&X-Amz-Expires=3900&X-Amz-Signature=secret"
    [early] = judge("mms", [(url, Found("image/jpeg", 1))], MediaRules(), "2026-02-21T17:30:00.000Z")
    [late] = judge("mms", [(url, Found("image/jpeg", 1))], MediaRules(), NOW)
    assert early.fault is None
    assert late.of == "signature"
    assert "2026-02-21T18:05:00.000Z" in (late.fault or "")
    assert "secret" not in repr(late)


QUESTION = Question(
    tenant="acme",
    channel="mms",
    sender="+14155550100",
    scopes=[],
    template=False,
    not_after="2026-02-22T18:00:00.000Z",
    contact="acme|c0ffee",
    media="digest",
)
GOOD = MediumSeen(place=0, host="cdn.example.com", type="image/jpeg", size=1000)
TOO_BIG = replace(GOOD, fault="has 6 MB; MMS takes 5", of="content")
MISSING = replace(GOOD, fault="answers 404", of="reach")
AWAY = replace(GOOD, fault="answers 503", of="reach", again_at="2026-02-21T18:00:30.000Z")
NO_MMS = Unreachable(why="no_mms", until="2026-03-01T00:00:00.000Z", failures=1, codes=[30011], last_at=NOW)


def verdict(*seen: MediumSeen, **question: Any) -> tuple[str, str | None]:
    found = decide(replace(QUESTION, **question), View(now=NOW, media=list(seen)))
    return found.decision, found.rule


def test_what_cannot_be_sent_is_blocked_and_what_may_pass_waits() -> None:
    assert verdict(GOOD) == ("allow", None)
    assert verdict(GOOD, MISSING) == ("blocked", "media")
    assert verdict(GOOD, AWAY) == ("deferred", "media")
    assert verdict(AWAY, MISSING) == ("blocked", "media")


def test_the_verdict_names_place_and_host_and_says_when_it_is_looked_at_again() -> None:
    found = decide(QUESTION, View(now=NOW, media=[GOOD, replace(AWAY, place=1)]))
    assert found.until == "2026-02-21T18:00:30.000Z"
    assert found.reason == "media_urls[1] (cdn.example.com) answers 503"


def test_a_look_under_way_is_a_condition_and_one_that_has_no_place_a_time() -> None:
    under_way = decide(QUESTION, View(now=NOW, media_look="under_way"))
    assert (under_way.condition, under_way.until) == ("media acme|c0ffee digest", None)
    waits = decide(QUESTION, View(now=NOW, media_look="waits"))
    assert (waits.condition, waits.until) == (None, "2026-02-21T18:00:10.000Z")


def test_media_are_judged_behind_what_waits() -> None:
    """At night nobody looks at what is for the morning."""
    tomorrow = "2026-02-22T08:00:00.000Z"
    found = decide(replace(QUESTION, not_before=tomorrow), View(now=NOW, media=[MISSING]))
    assert (found.rule, found.until) == ("not_before", tomorrow)


def test_a_template_takes_no_media_along() -> None:
    asked = {"channel": "whatsapp", "template": True, "freeform": True}
    closed = decide(replace(QUESTION, **asked), View(now=NOW, media=[MISSING]))
    assert closed.decision == "allow"


@pytest.mark.parametrize(
    ("seen", "link", "goes"),
    [
        (TOO_BIG, None, None),
        (TOO_BIG, "media", "link"),
        (TOO_BIG, "other", "link"),
        # A URL that nobody can fetch is no link; another one may be.
        (MISSING, "media", None),
        (MISSING, "other", "link"),
        (AWAY, "other", None),
        (GOOD, "other", None),
    ],
)
def test_when_a_link_goes_in_place_of_the_media(seen: MediumSeen, link: Any, goes: str | None) -> None:
    question, view = replace(QUESTION, link=link), View(now=NOW, media=[seen])
    assert picked(question, view) == goes
    assert (decide(question, view).decision == "allow") is (goes == "link" or seen is GOOD)


def test_a_number_that_takes_no_mms_gets_the_link() -> None:
    view = View(now=NOW, unreachable=NO_MMS)
    assert decide(QUESTION, view).rule == "unreachable"
    assert decide(replace(QUESTION, link="media"), view).decision == "allow"
    assert as_link(replace(QUESTION, link="media"), view)
    landline = View(now=NOW, unreachable=replace(NO_MMS, why="landline"))
    assert decide(replace(QUESTION, link="media"), landline).rule == "unreachable"
