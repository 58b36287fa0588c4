import pytest

from services.runtime.masking import mask, scrub, unsteered


@pytest.mark.parametrize(
    ("address", "masked"),
    [
        ("whatsapp:+14155550123", "whatsapp:+1415•••••23"),
        ("+4915112345678", "+4915•••••78"),
        ("US.13491208655302741918", "US.1•••••18"),
        ("messenger:1234567890", "messenger:1234•••••90"),
        ("jo.x@example.org", "j•••••@example.org"),
        ("12345", "12345"),
        ("ACME", "ACME"),
        ("", ""),
    ],
)
def test_addresses_keep_their_channel_start_and_end(address: str, masked: str) -> None:
    assert mask(address) == masked


@pytest.mark.parametrize(
    "text",
    [
        "to +14155550123",
        "to whatsapp:+14155550123.",
        "From=whatsapp%3A%2B14155550123&Body=x",
        "call (415) 555-0123 now",
        "call +1 (415) 555-0123",
        "415-555-0123",
        "4155550123",
        "'from': '+4915112345678'",
    ],
)
def test_phone_numbers_do_not_survive(text: str) -> None:
    digits = [character for character in text if character.isdigit()]
    left = [character for character in scrub(text) if character.isdigit()]
    assert "•••••" in scrub(text)
    assert len(left) <= len(digits) - 3


def test_emails_do_not_survive() -> None:
    assert scrub("from jo.x@example.org to a%40b.example") == "from j•••••@example.org to a•••••@b.example"


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-21T18:22:11.123Z",
        "on 2026-02-21 18:22:11",
        "192.168.100.200:9092",
        "SM1234567890abcdef1234567890abcdef",
        "partition 3 offset 12",
        "0af7651916cd43dd8448eb211c80319c",
    ],
)
def test_times_hosts_and_ids_stay(text: str) -> None:
    assert scrub(text) == text


@pytest.mark.timeout(30)
@pytest.mark.parametrize("piece", ["a", "1", "a.", "a+", "1a", "(1-", "1-", "+1 (", "a@", "%2B1", "a%40"])
def test_the_time_does_not_grow_with_the_square(piece: str) -> None:
    # Half a second; were it the square, an hour.
    text = piece * (400_000 // len(piece))
    assert scrub(text).startswith(piece[0])


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        (f"{'a' * 100}@example.org", "a•••••@example.org"),
        ("+1 415 5550123jo@example.org", "+1 41•••••23j•••••@example.org"),
        ("a@x.example+b@y.example", "a•••••@x.example+•••••@y.example"),
        (f"({'4' * 50})", "(444•••••44)"),
    ],
)
def test_neither_length_nor_what_stands_before_hides_an_address(text: str, scrubbed: str) -> None:
    assert scrub(text) == scrubbed


@pytest.mark.parametrize("unseen", ["\u200e", "\u200b", "\u202e", "\u2066", "\u2060", "\ufeff", "\u061c", "\u200d"])
def test_what_nobody_sees_hides_no_number(unseen: str) -> None:
    scrubbed = scrub(f"from +1{unseen}415{unseen}5550123 to ada{unseen}@example.org")
    assert "5550123" not in scrubbed
    assert "ada" not in scrubbed
    assert unseen not in scrubbed


def test_what_is_shown_stays_on_its_line_and_in_its_order() -> None:
    assert unsteered("a\u202etxt.exe\u2066\u2069\u200f b\u2028c\x1b[31m\r\nd") == "atxt.exe b c [31m  d"
    # Joined emoji and Persian keep what joins and parts their letters.
    assert unsteered("👨\u200d👩 می\u200cخواهم") == "👨\u200d👩 می\u200cخواهم"
