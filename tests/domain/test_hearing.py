"""What a whole message says of consent, in whatever spelling; and what only looks like it."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.consent.hearing import Heard, Message, hear
from services.domain.consent.keywords import NO_WORDS, STOP, Words, normalise, stop_word, unaccented

NUMBER, TOLL_FREE, WHATSAPP = "+14155550100", "+18885550100", "whatsapp:+14155550100"
ACME = Words(
    stop=frozenset(
        map(stop_word, ["¡Alto!", "रोकें", "BAJA", "Iptal", "WYŁĄCZ", "Ścisz", "بس", "إيقاف", "הסר", "停止", "やめる"])
    ),
    start=frozenset(map(normalise, ["Sí, quiero", "ALTA"])),
)


def listen(body: str, *, to: str = NUMBER, words: Words = NO_WORDS, **other: str) -> Heard | None:
    return hear(Message(to=to, body=body, **other), words)


def said(body: str, *, whatsapp: bool = False, told: str = "", words: Words = ACME) -> str | None:
    """Yes or no; else nothing, whatever else it may be."""
    heard = listen(body, to=WHATSAPP if whatsapp else NUMBER, words=words, opt_out_type=told)
    return heard.says if heard and heard.says in ("stop", "start") else None


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
        # With accents and without: phones correct one to the other.
        "ARRET",
        "Arrêt",
        "ARRÊT.",
        "ARRE\u0302T",
        "ＡＲＲＥＴ",
        "ＡＲＲÊＴ",
        "STÓP",
        "STÖP",
    ],
)
def test_a_stop_is_heard_in_any_spelling(body: str, whatsapp: bool) -> None:
    assert listen(body, to=WHATSAPP if whatsapp else NUMBER) == Heard(says="stop", by="body", word=normalise(body))


@pytest.mark.parametrize("whatsapp", [False, True])
@pytest.mark.parametrize(
    "body", ["START", " start ", "Start!", "S.T.A.R.T", "ＳＴＡＲＴ", "UNSTOP", "un stop", "start 👍"]
)
def test_a_start_asks_for_messages(body: str, whatsapp: bool) -> None:
    heard = listen(body, to=WHATSAPP if whatsapp else NUMBER)
    assert heard == Heard(says="start", by="body", word=normalise(body), consents=True, releases=True)


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
        "stop " * 400,
        "stop-42-details",
        "STOP 12345",
        "arrêter",
        "arrets",
        "I asked you twice by now. " * 40 + "STOP",
    ],
)
def test_what_is_no_keyword_as_a_whole_says_nothing(body: str, whatsapp: bool) -> None:
    assert said(body, whatsapp=whatsapp, words=NO_WORDS) is None


@pytest.mark.parametrize("body", ["YES", "yes", "Yes!", " y.e.s "])
def test_a_yes_lifts_a_block_of_sms_and_proves_nothing(body: str) -> None:
    assert listen(body) == Heard(says="start", by="body", word="yes", releases=True)
    assert listen(body, to=WHATSAPP) is None


@pytest.mark.parametrize("body", ["SUBSCRIBE", "Subscribe!", "sub scribe"])
def test_a_subscribe_counts_only_where_twilio_keeps_no_block(body: str) -> None:
    assert listen(body, to=WHATSAPP) == Heard(says="start", by="body", word="subscribe", consents=True, releases=True)
    assert listen(body) is None


@pytest.mark.parametrize(
    ("body", "action"),
    [
        ("alto", "stop"),
        ("¡ALTO!", "stop"),
        ("Ａｌｔｏ", "stop"),
        ("रोकें", "stop"),
        (" रोकें। ", "stop"),
        # Vowel signs are no decoration: without them it is another word.
        ("रक", None),
        ("sí quiero", "start"),
        # As an accent of its own, which some keyboards write.
        ("SI\u0301, QUIERO", "start"),
        ("si quiero", None),
        ("STOP", "stop"),
        ("START", "start"),
        ("alto ahí", None),
    ],
)
def test_a_tenants_words_stand_beside_the_standard_ones(body: str, action: str | None) -> None:
    assert said(body) == action
    assert said(body, whatsapp=True) == action


def test_words_of_one_tenant_are_nothing_to_another() -> None:
    assert listen("alto") is None


def test_a_word_that_a_tenant_takes_for_both_stops() -> None:
    both = Words(stop=frozenset({"start", "basta"}), start=frozenset({"stop", "basta"}))
    assert {said(body, words=both) for body in ("start", "stop", "basta")} == {"stop"}


@pytest.mark.parametrize(
    ("body", "told", "action"),
    [
        ("Arrêter", "STOP", "stop"),
        ("Arrêter", "stop", "stop"),
        ("stop it please", "STOP", "stop"),
        ("a long story " * 99, "STOP", "stop"),
        ("", "STOP", "stop"),
        ("Reprendre", "START", "start"),
        ("Aide", "HELP", None),
        # Where the two disagree, the person is left alone.
        ("START", "STOP", "stop"),
        ("YES", "STOP", "stop"),
        ("STOP", "START", "stop"),
        ("STOP", "HELP", "stop"),
        ("alto", "START", "stop"),
        ("START", "HELP", "start"),
        ("STOP", "", "stop"),
        ("hello", "WHATEVER", None),
    ],
)
def test_what_twilio_understood_is_heard_too(body: str, told: str, action: str | None) -> None:
    assert said(body, told=told) == action


def test_what_was_heard_names_the_word() -> None:
    assert listen(" Stop ALL! ") == Heard(says="stop", by="body", word="stopall")
    # As it was said.
    assert listen("Arrêt") == Heard(says="stop", by="body", word="arrêt")


@given(st.text(), st.booleans(), st.sampled_from(["", "STOP", "START", "HELP"]))
def test_any_text_is_understood_or_not_and_never_an_error(body: str, whatsapp: bool, told: str) -> None:
    to = WHATSAPP if whatsapp else NUMBER
    heard = listen(body, to=to, opt_out_type=told)
    assert listen(body, to=to, opt_out_type=told) == heard
    if told == "STOP":
        assert heard is not None
        assert heard.says == "stop"


@given(
    st.sampled_from(["stop", "unsubscribe", "optout"]),
    st.lists(st.sampled_from([" ", ".", "-", "!", "\u200b", "\u2060", "🛑", "\n"]), max_size=20),
    st.randoms(use_true_random=False),
)
def test_no_decoration_hides_a_stop(word: str, decoration: list[str], random: Random) -> None:
    letters = [*word]
    for one in decoration:
        letters.insert(random.randint(0, len(letters)), one)
    assert said("".join(letters)) == "stop"


@pytest.mark.parametrize(
    "body", ["STOP \u2764\ufe0f", "\u26a0\ufe0f STOP", "STOP\ufe0f", "S\u034fTOP", "STOP" + " " * 97]
)
def test_what_nobody_says_hides_no_stop(body: str) -> None:
    assert said(body, whatsapp=True) == "stop"


@pytest.mark.parametrize("text", ["U\u00a8", "STOP", "\uff33\uff34\uff2f\uff30", "stop\u20e3"])
def test_a_normal_word_stays_as_it_is(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@pytest.mark.parametrize(
    ("body", "action"),
    [
        # A no with and without its marks, in any script that has marks which people leave out.
        ("álto", "stop"),
        ("bajà", "stop"),
        ("İPTAL", "stop"),
        ("iptal", "stop"),
        ("IPTAL", "stop"),
        ("ıptal", "stop"),
        ("wylacz", "stop"),
        ("WYŁĄCZ!", "stop"),
        ("scisz", "stop"),
        ("بَسّ", "stop"),
        ("ايقاف", "stop"),
        ("إيقاف", "stop"),
        ("הָסֵר", "stop"),
        ("停止。", "stop"),
        ("停 止", "stop"),
        ("ﾔﾒﾙ", None),
        ("やめる!", "stop"),
        # Marks that are bodies of letters stay: these are other words.
        ("रक", None),
        ("रोक", None),
        # A yes stays exact.
        ("si quiero", None),
        ("álta", None),
        ("ALTA", "start"),
        ("stárt", None),
        ("yés", None),
    ],
)
def test_a_stop_word_has_no_accents_and_a_start_word_has_its_own(body: str, action: str | None) -> None:
    assert said(body) == action
    assert said(body, whatsapp=True) == action


@pytest.mark.parametrize("word", ["STRASSE", "straße", "STRAẞE"])
def test_a_sharp_s_is_two(word: str) -> None:
    assert stop_word(word) == "strasse"


@given(st.text())
def test_without_accents_there_is_nothing_more_to_leave_out(text: str) -> None:
    word = stop_word(text)
    assert stop_word(word) == word
    assert unaccented(word) == word


@pytest.mark.parametrize(
    ("body", "behind", "place", "word"),
    [
        ("No more offers", {"button_text": "No more offers", "button_payload": "STOP"}, "button_payload", "stop"),
        ("No more offers", {"button_text": "No more offers", "button_payload": "opt_out"}, "button_payload", "optout"),
        ("No more offers", {"button_payload": " Stop! "}, "button_payload", "stop"),
        ("Stop", {"button_text": "Stop", "button_payload": "pressed-7"}, "button_text", "stop"),
        ("Unsubscribe me", {"list_title": "Unsubscribe me", "list_id": "STOP"}, "list_id", "stop"),
        ("STOP", {"list_title": "STOP", "list_id": "row-3"}, "list_title", "stop"),
        ("Stop promotions", {"button_text": "Stop promotions", "button_payload": "Stop promotions"}, None, None),
        ("Detener promociones", {"button_payload": "Detener promociones"}, "button_payload", "detenerpromociones"),
        ("Parar promoções", {"button_payload": "Parar promoções"}, "button_payload", "pararpromoções"),
        ("PARAR PROMOCOES", {"button_text": "PARAR PROMOCOES"}, "button_text", "pararpromocoes"),
        ("Interrompi promozioni", {"button_text": "Interrompi promozioni"}, "button_text", "interrompipromozioni"),
        # Where label and payload disagree it is a no.
        ("Start", {"button_text": "Start", "button_payload": "STOP"}, "button_payload", "stop"),
        ("Stop", {"button_text": "Stop", "button_payload": "START"}, "button_text", "stop"),
        ("", {"button_payload": "STOP"}, "button_payload", "stop"),
        ("No", {"button_payload": "BAJA"}, "button_payload", "baja"),
    ],
)
def test_a_tap_is_as_explicit_as_a_typed_word(
    body: str, behind: dict[str, str], place: str | None, word: str | None
) -> None:
    for to in (WHATSAPP, NUMBER, "rcs:acme"):
        heard = listen(body, to=to, words=ACME, **behind)
        assert heard is not None
        assert (heard.says, heard.by, heard.word) == (
            "stop",
            place or "button_payload",
            word or "stoppromotions",
        )


@pytest.mark.parametrize(
    ("body", "behind"),
    [
        ("Details", {"button_text": "Details", "button_payload": "stop-42-details"}),
        ("Details", {"button_payload": "STOP_42"}),
        ("Yes", {"button_text": "Yes", "button_payload": "yes-7"}),
        # What stands behind a button is nothing that the person could read, so it is no yes.
        ("Begin the quiz", {"button_text": "Begin the quiz", "button_payload": "START"}),
        ("Row", {"list_title": "Row", "list_id": "UNSTOP"}),
        ("Please stop", {"button_text": "Please stop the timer", "button_payload": "timer"}),
        ("Promotions", {"button_text": "Promotions", "button_payload": "promotions"}),
    ],
)
def test_what_is_tapped_by_chance_says_nothing(body: str, behind: dict[str, str]) -> None:
    for to in (WHATSAPP, NUMBER):
        assert listen(body, to=to, words=ACME, **behind) is None


def test_a_label_of_metas_counts_where_it_is_one() -> None:
    assert said("Stop promotions", whatsapp=True) == "stop"
    assert listen("Stop promotions") == Heard(says="suspected", by="body")


@pytest.mark.parametrize("area", ["800", "833", "844", "855", "866", "877", "888"])
@pytest.mark.parametrize("channel", ["", "sms:"])
def test_a_toll_free_number_is_released_by_start_and_unstop_alone(area: str, channel: str) -> None:
    to = f"{channel}+1{area}5550100"
    assert listen("Yes", to=to, words=ACME) is None
    assert listen("SUBSCRIBE", to=to, words=ACME) is None
    for word in ("START", "un-stop"):
        assert listen(word, to=to) == Heard(says="start", by="body", word=normalise(word), consents=True, releases=True)
    # Somebody wants messages; the network does not know.
    asked = Heard(says="start", by="body", word="alta", consents=True, releases=False)
    assert listen("ALTA", to=to, words=ACME) == asked
    told = Heard(says="start", by="opt_out_type", word="join", consents=True, releases=False)
    assert listen("JOIN", to=to, opt_out_type="START") == told
    assert listen("YES", to=to, opt_out_type="START") is None
    assert listen("STOP", to=to) == Heard(says="stop", by="body", word="stop")


@pytest.mark.parametrize("to", ["+3531800555010", "+14155550100", "+18225550100", "+1888555010", "88855", "rcs:acme"])
def test_elsewhere_a_yes_releases(to: str) -> None:
    assert listen("Yes", to=to) == Heard(says="start", by="body", word="yes", releases=True)


def test_a_toll_free_number_on_whatsapp_is_whatsapps() -> None:
    heard = listen("SUBSCRIBE", to="whatsapp:+18885550100")
    assert heard is not None
    assert heard.releases


@pytest.mark.parametrize("word", sorted(STOP - {"stop"}))
def test_a_tenant_may_take_words_off_the_list_for_itself(word: str) -> None:
    words = Words(off=frozenset({word}))
    assert said(word, words=words) is None
    assert said(word) == "stop"
    # Twilio took it for one all the same, and blocks.
    assert said(word, told="STOP", words=words) == "stop"
    assert listen(word, to=WHATSAPP, words=words, button_payload=word) is None


def test_stop_itself_cannot_be_taken_off() -> None:
    assert said("Stop", words=Words(off=frozenset({"stop"}))) == "stop"


@pytest.mark.parametrize(
    ("body", "told", "by"), [("Help!", "", "body"), ("INFO", "", "body"), ("Aide", "HELP", "opt_out_type")]
)
def test_a_call_for_help_is_heard(body: str, told: str, by: str) -> None:
    heard = listen(body, opt_out_type=told)
    assert heard is not None
    assert (heard.says, heard.by) == ("help", by)
