"""What the suppression fold must never do, each once found: release by accident, hide evidence, welcome the stopped."""

from services.domain.consent.commands import ContactLinked
from services.domain.consent.standing import consented, suppressed
from services.domain.messages.commands import CommandAccepted
from services.domain.messages.confirmation import Texts
from services.domain.messages.consent import Suppressing
from tests.domain.suppression_oracle import SENDER, SERVICE, WHATSAPP, history, listed, stated, wrote

FOLD = Suppressing({"acme": Texts("Bye.", "Hi.")})


def test_no_welcome_back_while_the_tenant_is_stopped() -> None:
    facts = [stated("opt_out"), wrote("STOP", 1, "SM1", to=WHATSAPP), wrote("START", 90, "SM2", to=WHATSAPP)]
    _, events = history(Suppressing({"acme": Texts("Bye.", "Hi.")}), facts)
    assert [one.confirms for one in events if isinstance(one, CommandAccepted)] == []


def test_a_linked_statement_in_two_scopes_is_two_evidences() -> None:
    _, events = history(FOLD, [wrote("STOP", 0, service=SERVICE, linked="acme|x")])
    _, events = history(FOLD, [one for one in events if isinstance(one, ContactLinked)])
    assert len({one.event_id for one in events}) == len(events)


def test_other_content_has_another_id() -> None:
    _, events = history(FOLD, [wrote("STOP", 5), wrote("STOP", 3)])
    assert len({one.event_id for one in events}) == len(events) == 4


def test_what_finds_no_room_goes_on_suppressing() -> None:
    stop, start = wrote("STOP", 0, "A"), listed("START", 10, "S")
    more = [listed("STOP", second, f"B{second}") for second in range(1, 9)]
    assert suppressed(history(FOLD, [stop, start])[0])
    assert suppressed(history(FOLD, [stop, *more, start])[0])


def test_a_linked_contact_for_whom_there_is_no_room_is_told_all_the_same() -> None:
    state = None
    for number in range(9):
        state, _ = FOLD(state, wrote("hello", number, f"SM{number}", linked=f"acme|{number}"))
    _, events = FOLD(state, wrote("STOP", 90, "SM90", linked="acme|8"))
    assert "acme|8" in {one.contact for one in events if isinstance(one, ContactLinked)}


def test_a_lifted_block_revives_no_consent() -> None:
    state, _ = history(FOLD, [stated("opt_in"), wrote("STOP", 100), wrote("YES", 200, "SM2")])
    assert not suppressed(state)
    assert consented(state, [f"sender:{SENDER}"]) is None


def test_a_no_that_is_said_again_counts_again_and_a_yes_does_not() -> None:
    no, yes, again = (
        stated("opt_out", 0, command="x"),
        stated("opt_in", 100, command="y"),
        stated("opt_out", 200, command="x"),
    )
    assert suppressed(history(FOLD, [no, yes, again])[0])
    assert suppressed(history(FOLD, [yes, stated("opt_out", 200, command="z"), stated("opt_in", 300, command="y")])[0])
