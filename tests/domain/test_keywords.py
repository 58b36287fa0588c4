"""What a whole message says of consent, in whatever spelling; and what only looks like it."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.consent.keywords import Heard, Words, hear, normalise

ACME = Words(stop=frozenset({normalise("¡Alto!"), normalise("रोकें")}), start=frozenset({normalise("Sí, quiero")}))


def said(body: str, *, whatsapp: bool = False, told: str = "", words: Words = ACME) -> str | None:
    heard = hear(body, whatsapp=whatsapp, opt_out_type=told, words=words)
    return heard.action if heard else None


@pytest.mark.parametrize("whatsapp", [False, True])
@pytest.mark.parametrize(
    "body",
    [
        "STOP",
        "stop",
        "sToP",
        "  stop  ",
        "\n\tSTOP\r\n",
        "Stop.",
        "STOP!!!",
        "S.T.O.P",
        "s t o p",
        "S-T-O-P",
        "s_t_o_p",
        '"stop"',
        "(Stop)",
        "STOP 🛑",
        "🙏🏽 stop 🙏🏽",
        "ＳＴＯＰ",
        "ｓｔｏｐ！",
        "ⓈⓉⓄⓅ",
        "𝐒𝐓𝐎𝐏",
        "ST\u200bOP",
        "\ufeffSTOP",
        "\u200eSTOP\u200f",
        "ST\u00adOP",
        "STO\u200dP",
        "\u00a0STOP\u3000",
        "STOP\x00",
        "STOP" + "!" * 96,
        "STOPALL",
        "Stop all!",
        "Unsubscribe",
        "un-subscribe",
        "CANCEL",
        "End",
        "quit",
        "Revoke",
        "OPTOUT",
        "opt out",
        "Opt-Out.",
    ],
)
def test_a_stop_is_heard_in_any_spelling(body: str, whatsapp: bool) -> None:
    heard = hear(body, whatsapp=whatsapp)
    assert heard is not None
    assert (heard.action, heard.consents) == ("opt_out", False)


@pytest.mark.parametrize("whatsapp", [False, True])
@pytest.mark.parametrize(
    "body", ["START", " start ", "Start!", "S.T.A.R.T", "ＳＴＡＲＴ", "UNSTOP", "un stop", "start 👍"]
)
def test_a_start_asks_for_messages(body: str, whatsapp: bool) -> None:
    heard = hear(body, whatsapp=whatsapp)
    assert heard is not None
    assert (heard.action, heard.consents) == ("opt_in", True)


@pytest.mark.parametrize("whatsapp", [False, True])
@pytest.mark.parametrize(
    "body",
    [
        "",
        " ",
        "!!!",
        "🛑",
        "\u200b",
        "stop it please",
        "please stop",
        "don't stop",
        "stop stop",
        "stopp",
        "STOP 1",
        "nonstop",
        "stopping",
        "the end",
        "never quit",
        "restart",
        "start over",
        "start stop",
        "help",
        "INFO",
        "no",
        # Looks the same, and is Cyrillic in part: no spelling, another word.
        "ST\u041eP",
        "STÖP",
        "stop " * 400,
        "I asked you twice by now. " * 40 + "STOP",
    ],
)
def test_what_is_no_keyword_as_a_whole_says_nothing(body: str, whatsapp: bool) -> None:
    assert hear(body, whatsapp=whatsapp) is None


@pytest.mark.parametrize("body", ["YES", "yes", "Yes!", " y.e.s "])
def test_a_yes_lifts_a_block_of_sms_and_proves_nothing(body: str) -> None:
    assert hear(body, whatsapp=False) == Heard("opt_in", False, "yes")
    assert hear(body, whatsapp=True) is None


@pytest.mark.parametrize("body", ["SUBSCRIBE", "Subscribe!", "sub scribe"])
def test_a_subscribe_counts_only_where_twilio_keeps_no_block(body: str) -> None:
    assert hear(body, whatsapp=True) == Heard("opt_in", True, "subscribe")
    assert hear(body, whatsapp=False) is None


@pytest.mark.parametrize(
    ("body", "action"),
    [
        ("alto", "opt_out"),
        ("¡ALTO!", "opt_out"),
        ("Ａｌｔｏ", "opt_out"),
        ("रोकें", "opt_out"),
        (" रोकें। ", "opt_out"),
        # Vowel signs are no decoration: without them it is another word.
        ("रक", None),
        ("sí quiero", "opt_in"),
        # As an accent of its own, which some keyboards write.
        ("SI\u0301, QUIERO", "opt_in"),
        ("si quiero", None),
        ("STOP", "opt_out"),
        ("START", "opt_in"),
        ("alto ahí", None),
    ],
)
def test_a_tenants_words_stand_beside_the_standard_ones(body: str, action: str | None) -> None:
    assert said(body) == action
    assert said(body, whatsapp=True) == action


def test_words_of_one_tenant_are_nothing_to_another() -> None:
    assert hear("alto", whatsapp=False) is None


def test_a_word_that_a_tenant_takes_for_both_stops() -> None:
    both = Words(stop=frozenset({"start", "basta"}), start=frozenset({"stop", "basta"}))
    assert {said(body, words=both) for body in ("start", "stop", "basta")} == {"opt_out"}


@pytest.mark.parametrize(
    ("body", "told", "action"),
    [
        ("Arrêter", "STOP", "opt_out"),
        ("Arrêter", "stop", "opt_out"),
        ("stop it please", "STOP", "opt_out"),
        ("a long story " * 99, "STOP", "opt_out"),
        ("", "STOP", "opt_out"),
        ("Reprendre", "START", "opt_in"),
        ("Aide", "HELP", None),
        # Where the two disagree, the person is left alone.
        ("START", "STOP", "opt_out"),
        ("YES", "STOP", "opt_out"),
        ("STOP", "START", "opt_out"),
        ("STOP", "HELP", "opt_out"),
        ("alto", "START", "opt_out"),
        ("START", "HELP", "opt_in"),
        ("STOP", "", "opt_out"),
        ("hello", "WHATEVER", None),
    ],
)
def test_what_twilio_understood_is_heard_too(body: str, told: str, action: str | None) -> None:
    assert said(body, told=told) == action


def test_what_was_heard_names_the_word() -> None:
    assert hear(" Stop ALL! ", whatsapp=False) == Heard("opt_out", False, "stopall")


@given(st.text(), st.booleans(), st.sampled_from(["", "STOP", "START", "HELP"]))
def test_any_text_is_understood_or_not_and_never_an_error(body: str, whatsapp: bool, told: str) -> None:
    heard = hear(body, whatsapp=whatsapp, opt_out_type=told)
    assert hear(body, whatsapp=whatsapp, opt_out_type=told) == heard
    if told == "STOP":
        assert heard is not None
        assert heard.action == "opt_out"


@given(
    st.sampled_from(["stop", "unsubscribe", "optout"]),
    st.lists(st.sampled_from([" ", ".", "-", "!", "\u200b", "\u2060", "🛑", "\n"]), max_size=20),
    st.randoms(use_true_random=False),
)
def test_no_decoration_hides_a_stop(word: str, decoration: list[str], random: Random) -> None:
    letters = [*word]
    for one in decoration:
        letters.insert(random.randint(0, len(letters)), one)
    assert said("".join(letters)) == "opt_out"


@pytest.mark.parametrize(
    "body", ["STOP \u2764\ufe0f", "\u26a0\ufe0f STOP", "STOP\ufe0f", "S\u034fTOP", "STOP" + " " * 97]
)
def test_what_nobody_says_hides_no_stop(body: str) -> None:
    assert hear(body, whatsapp=True) is not None


@pytest.mark.parametrize("text", ["U\u00a8", "STOP", "\uff33\uff34\uff2f\uff30", "stop\u20e3"])
def test_a_normal_word_stays_as_it_is(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)
