"""With whom an address shares its opt-outs."""

import pytest

from services.checker.memberships import shares


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ("+14155550100", "+14155550123", True),
        ("rcs:agent", "+14155550123", True),
        ("whatsapp:+14155550100", "whatsapp:US.1349", True),
        ("whatsapp:+14155550100", "+14155550123", False),
        ("messenger:1034", "+14155550123", False),
        ("messenger:1034", "whatsapp:+14155550123", False),
        ("messenger:1034", "messenger:99", True),
    ],
)
def test_texts_share_their_opt_outs_and_each_other_channel_has_its_own(one: str, other: str, together: bool) -> None:
    assert (shares(one) == shares(other)) == together
