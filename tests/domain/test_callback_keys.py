"""A callback's key is believed before it signs, and for 60 days after the next one began; at every moment one signs."""

from hypothesis import given
from hypothesis import strategies as st

from services.domain.clock import later
from services.domain.messages.callback_keys import BELIEVED_S, CallbackKeys

START = "2026-01-01T00:00:00.000Z"
CONTACT = b"the contact secret"
DAY_S = 86_400.0

days = st.floats(-200, 400, allow_nan=False)
rings = st.dictionaries(st.integers(0, 200), st.binary(min_size=1, max_size=4), max_size=5)


def everybody(_: bytes) -> bool:
    return True


def ring(keys: dict[int, bytes]) -> CallbackKeys:
    """Keys by the day from which they sign."""
    return CallbackKeys(CONTACT, {later(START, day * DAY_S): key for day, key in keys.items()})


def test_the_contact_secret_signs_until_the_first_key_and_is_believed_for_as_long() -> None:
    keys = ring({10: b"first"})
    at = [later(START, day * DAY_S) for day in (9.99, 10, 69.9, 70.1)]
    assert [keys.signing(one, everybody) for one in at] == [CONTACT, b"first", b"first", b"first"]
    assert [CONTACT in keys.believed(one) for one in at] == [True, True, True, False]
    # Believed before it signs, however early it is in the settings.
    assert all(b"first" in keys.believed(one) for one in at)


def test_without_keys_the_contact_secret_signs_for_ever() -> None:
    keys = ring({})
    assert (keys.signing("9999-01-01T00:00:00.000Z", everybody), keys.believed("9999-01-01T00:00:00.000Z")) == (
        CONTACT,
        (CONTACT,),
    )


@given(rings, days, st.floats(0, BELIEVED_S / DAY_S - 0.01))
def test_what_was_signed_is_believed_for_sixty_days(keys: dict[int, bytes], day: float, passed: float) -> None:
    signed = later(START, day * DAY_S)
    assert ring(keys).signing(signed, everybody) in ring(keys).believed(later(signed, passed * DAY_S))


@given(rings, st.integers(0, 200), st.binary(min_size=5, max_size=6), days)
def test_a_worker_that_has_the_new_key_believes_one_that_has_not(
    keys: dict[int, bytes], day: int, new: bytes, moment: float
) -> None:
    """One signs by the settings before, the other looks by those after, or the other way round, until the key signs."""
    latest = max(keys, default=0)
    before, after = ring(keys), ring(keys | {latest + 1 + day: new})
    at = later(START, moment * DAY_S)
    assert before.signing(at, everybody) in after.believed(at) or moment > latest + 1 + day + BELIEVED_S / DAY_S
    if moment < latest + 1 + day:
        assert after.signing(at, everybody) in before.believed(at)


@given(rings, st.integers(0, 200), st.binary(min_size=5, max_size=6), st.floats(0, BELIEVED_S / DAY_S / 2 - 0.01))
def test_one_that_is_to_sign_at_once_waits_until_each_ingress_has_read_it(
    keys: dict[int, bytes], day: int, new: bytes, passed: float
) -> None:
    """Also where it is dated some days back: by what signs meanwhile, all believe, as long as callbacks may come."""
    began = max(keys, default=0) + 1 + day
    before, after = ring(keys), ring(keys | {began: new})
    at = later(START, (began + passed) * DAY_S)
    signer = after.signing(at, lambda key: key != new)
    assert signer == before.signing(at, everybody)
    assert signer in before.believed(at)
    assert signer in after.believed(later(at, BELIEVED_S / 2))
    assert after.signing(at, everybody) == new
