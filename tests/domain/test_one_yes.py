"""One MessageSid is one yes: a START that is told again, in whatever cut, lifts no no that came after it."""

from msgspec.structs import replace

from services.domain.consent.standing import suppressed
from services.domain.messages.confirmation import Texts
from services.domain.messages.consent import Suppressing
from tests.domain.suppression_oracle import history, wrote

FOLD = Suppressing({"acme": Texts("Bye.", "Hi.")})


def test_a_yes_that_is_told_again_keeps_its_first_time() -> None:
    start, stop = wrote("START", 0, "SM1"), wrote("STOP", 100, "SM2")
    # Of the same message, cut anew: another fact, which arrives later.
    again = replace(wrote("START", 500, "SM1"), event_id="another")
    assert not suppressed(history(FOLD, [wrote("STOP", -500, "SM0"), start])[0])
    for facts in ([start, stop, again], [again, stop, start], [stop, start, again], [start, again, stop, again]):
        assert suppressed(history(FOLD, facts)[0])
    assert not suppressed(history(FOLD, [start, stop, wrote("START", 500, "SM3")])[0])
