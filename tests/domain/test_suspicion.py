"""What looks like an opt-out and is no keyword; and what only has the word in it."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.consent.hearing import Heard, Message, hear
from services.domain.consent.keywords import Words
from services.domain.consent.suspicion import phrase, suspicious

OURS = "+14155550100"

MEANT = [
    "Stop. Thank you",
    "STOP please",
    "please stop sending text reminders",
    "Stop texting me",
    "unsubscribe me",
    "Please stop",
    "stop it please",
    "stop stop",
    "STOP STOP STOP",
    "Can you please stop texting me?",
    "don't text me again",
    "Do not contact me anymore",
    "remove me from your list",
    "take me off this list",
    "Opt me out",
    "I want to opt out",
    "how do I unsubscribe?",
    "how do i stop these messages",
    "No more texts please",
    "I don’t want to receive your messages",
    "Please stop\n\nSent from my iPhone",
    "Not interested. Stop.",
    "no thanks, stop",
    "Leave me alone!",
    "stop messages",
    "stop all texts",
    "STOP SENDING ME THESE",
    "stop sending these messages to my phone",
    "Ya no me manden más mensajes",
    "dejen de enviarme mensajes",
    "quiero darme de baja",
    "Não quero mais receber mensagens",
    "pare de me enviar mensagens",
    "Arrêtez de m'envoyer des SMS",
    "désabonnez-moi",
    "Bitte keine Nachrichten mehr",
    "Stop merci",
    "STOP svp",
    "non scrivetemi più",
    "I would like to unsubscribe from these texts",
    "unsubscribe please",
    "unsubscribe, thanks",
    "Stop!!! Please!!!",
    "please unsubscribe",
    "I want to unsubscribe",
    "ok stop",
    "stop now",
    "Stopp bitte",
    "wrong number, stop",
    "please remove my number from your list",
    "I said stop",
    "unsubscribe from all",
    "stop messaging",
    "Quit texting me",
    "STOP. STOP. STOP.",
    "Stop this please",
    "🛑 stop please 🛑",
    "baja por favor",
    "please cease contacting me",
]
NOT_MEANT = [
    "Count me in! We have to STOP this bill",
    "STOP 12345",
    "don't stop",
    "Liked “Reply STOP to end”",
    "the bus stop is closed",
    "Stop! Hammer time",
    "I can't stop laughing",
    "please don't stop",
    "stop by at 5",
    "please stop by my house",
    "don't stop texting me",
    "no me des de baja porfa",
    "when does it stop",
    "nonstop",
    "hello",
    "",
    "STOP 1",
    "the end",
    "never quit",
    "start stop",
    "where is the next stop?",
    "restart",
    "I will stop by",
    'Laughed at "please stop texting me"',
    "Can you send me the reminder?",
    "help",
    "CANCEL",
    "cancel my appointment",
    "I need to cancel",
    "this is my last stop",
    "you can't stop me",
    "unstoppable",
    "stop-42-details",
    "arrêter votre abonnement",
    "Je peux arrêter demain",
    "we should stop the fight",
    "remove the blue one",
    "take care",
    "call me",
    "text me",
    "don't forget",
    "no more milk",
    "Don't stop sending me these",
    "Yes, stop at the door",
    "keine Ahnung",
    "nunca dejen de soñar",
    "ok thanks",
    "Message me tomorrow",
    "send this",
    "delete it",
    "don't call, text",
    "opt in",
    "I don't want this",
    "I don't need it",
    "cancel it",
    "cancel this",
    "end it",
    "cancel updates to order 5",
]


@pytest.mark.parametrize("body", MEANT)
def test_what_is_meant_as_an_opt_out_is_suspected(body: str) -> None:
    assert suspicious(body)
    for to in (OURS, f"whatsapp:{OURS}"):
        assert hear(Message(to=to, body=body)) == Heard(says="suspected", by="body")


@pytest.mark.parametrize("body", NOT_MEANT)
def test_what_is_not_meant_so_is_not_suspected(body: str) -> None:
    assert not suspicious(body)


def test_a_tenant_may_take_it_for_a_stop_at_once() -> None:
    words = Words(stops=True)
    assert hear(Message(to=OURS, body="STOP please"), words) == Heard(says="stop", by="body")
    assert hear(Message(to=OURS, body="the bus stop is closed"), words) is None


def test_a_tenant_adds_phrases_as_whole_clauses() -> None:
    words = Words(phrases=(phrase("Ça suffit !"), phrase("Nicht mehr nötig")))
    for body in (
        "Ça suffit",
        "Bonjour, ca suffit!",
        "please: ÇA SUFFIT, merci",
        "nicht mehr noetig. Nicht mehr nötig!",
    ):
        assert hear(Message(to=OURS, body=body), words) == Heard(says="suspected", by="body")
    assert hear(Message(to=OURS, body="Ça suffit pour deux personnes"), words) is None
    assert hear(Message(to=OURS, body="Ça suffit")) is None


def test_a_letter_is_for_people_to_read() -> None:
    assert not suspicious("I have been your customer for many years. " * 20 + "Stop texting me.")


@given(st.text(max_size=500))
def test_any_text_is_suspected_or_not(body: str) -> None:
    assert suspicious(body) in (True, False)


@pytest.mark.parametrize(
    "part", ["please ", "stop ", "all the ", "no more ", "don't text me to ", "thanks ", "“", "- "]
)
def test_no_text_takes_long(part: str) -> None:
    began = time.process_time()
    suspicious((part * 400)[:400])
    assert time.process_time() - began < 0.2
