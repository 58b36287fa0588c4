"""A sender killed while it does something about a message: it is done again, which comes to the same."""

import signal

from tests.sender.conftest import Start
from tests.sender.rig import Desk
from tests.sender.test_followups import about, asked, at_twilio, end, sent
from tests.waiting import eventually


async def test_a_sender_killed_with_the_answer_in_its_hands_does_it_again(desk: Desk, start: Start) -> None:
    command = desk.command("killed", to="+14155568007")
    # Its second call is what is done about the message.
    killed = start(TEST_FAILPOINT="attempt.called:2")
    sid = await sent(desk, command)
    wish = about(command, action="delete")
    await asked(desk, wish)
    await eventually(lambda: killed.exit_code is not None, 60, "killed once it was deleted")
    assert killed.exit_code == -signal.SIGKILL, killed.tail()
    assert (await at_twilio(desk, sid))["deleted"]
    start("another disk")
    told = await end(desk, wish)
    assert (told.step, told.message_sid, told.attempt) == ("sent", sid, 2)
