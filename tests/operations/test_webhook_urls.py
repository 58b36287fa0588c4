"""Which URL is whose, and what is appended to it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.operations.changing import shown
from services.operations.webhooks.owners import Owners
from services.operations.webhooks.planning import Rules
from services.operations.webhooks.urls import Base, with_retries
from services.runtime.section import ConfigError

from .house import PUBLIC, RETRIES

BASE = Base(PUBLIC, "acme")


@pytest.mark.parametrize(
    ("url", "fit"),
    [
        ("", "none"),
        ("https://demo.twilio.com/welcome/sms/reply", "none"),
        (f"{PUBLIC}/twilio/acme/messages", "ours"),
        (f"{PUBLIC}/twilio/messages", "ours"),
        (f"{PUBLIC}:443/twilio/acme/messages/", "ours"),
        ("https://user:pass@HOOKS.example.com/twilio/acme/messages?a=b#rc=1", "ours"),
        (f"{PUBLIC}/twilio/globex/messages", "astray"),
        (f"{PUBLIC}/twilio/acme/status", "astray"),
        (f"{PUBLIC}/sms", "another's"),
        ("http://hooks.example.com/twilio/acme/messages", "another's"),
        (f"{PUBLIC}.evil.example/twilio/acme/messages", "another's"),
        ("https://hooks.example.com@evil.example/twilio/acme/messages", "another's"),
        ("https://staging.example.com/twilio/acme/messages", "another's"),
        ("https://hooks.example.com:8443/twilio/acme/messages", "another's"),
        ("https://hooks.example.com:port/twilio/acme/messages", "another's"),
    ],
)
def test_whose_a_url_is(url: str, fit: str) -> None:
    assert BASE.fit(url, "messages") == fit


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("https://a.example/x", f"https://a.example/x{RETRIES}"),
        ("https://a.example/x#", f"https://a.example/x{RETRIES}"),
        ("https://a.example/x?q=1#e=dublin", f"https://a.example/x?q=1#e=dublin&{RETRIES[1:]}"),
        ("https://a.example/x#rc=2&rp=all", "https://a.example/x#rc=2&rp=all&rt=4000&tt=15000"),
    ],
)
def test_retries_are_appended_and_what_its_owner_chose_is_kept(url: str, wanted: str) -> None:
    assert with_retries(url) == wanted


@given(st.lists(st.sampled_from(["rc=1", "rp=5xx", "e=dublin", "sni=n", "tt=9000", "x"]), unique=True))
def test_appending_twice_is_appending_once(parts: list[str]) -> None:
    once = with_retries(f"https://a.example/x#{'&'.join(parts)}")
    assert with_retries(once) == once
    assert all(part in once for part in parts)


def test_a_path_before_ours_counts() -> None:
    base = Base(f"{PUBLIC}/edge", "acme")
    assert base.fit(f"{PUBLIC}/edge/twilio/acme/messages", "messages") == "ours"
    assert base.fit(f"{PUBLIC}/twilio/acme/messages", "messages") == "another's"


def test_what_is_shown_has_no_secret() -> None:
    assert shown("https://user:pass@a.example/x?token=secret#rc=1") == "https://•••@a.example/x?•••#rc=1"


@pytest.mark.parametrize(
    ("url", "taken"),
    [
        ("https://old.example.co", True),
        ("https://old.example.co/sms", True),
        ("https://old.example.co?q=1", True),
        ("https://old.example.co#rc=1", True),
        ("https://old.example.co:8443/sms", True),
        ("https://user:pass@old.example.co/sms", True),
        ("https://old.example.com/sms", False),
        ("https://old.example.co.evil.example/sms", False),
        ("https://old.example.co@evil.example/sms", False),
        ("http://old.example.co/sms", False),
    ],
)
@pytest.mark.parametrize("take", ["https://old.example.co", "https://old.example.co/"])
def test_what_is_taken_ends_where_the_name_does(take: str, url: str, taken: bool) -> None:
    assert Rules(PUBLIC, Owners({}), (take,)).takes(url) == taken


@pytest.mark.parametrize("take", ["", " ", "https://", "https:", "old.example.com", "/sms", "AP", "ftp://a.example"])
def test_a_take_that_names_nothing_is_refused(take: str) -> None:
    with pytest.raises(ConfigError, match="names nothing"):
        Rules(PUBLIC, Owners({}), (take,))
