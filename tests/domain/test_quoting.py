"""What a form and a query say, byte by byte, is what Python's own writes."""

import hashlib
import hmac
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.keyed import keyed_digest
from services.domain.quoting import quoted


@given(st.text())
def test_a_text_is_quoted_as_python_quotes_it(text: str) -> None:
    assert quoted(text) == quote_plus(text)


def test_half_a_character_cannot_be_quoted() -> None:
    with pytest.raises(UnicodeEncodeError):
        quoted("\ud83c")


# Shorter than a block, as long, and longer: then the key's hash counts.
@given(key=st.binary(max_size=200), message=st.binary(max_size=300))
def test_a_keyed_digest_is_pythons_own(key: bytes, message: bytes) -> None:
    ours = keyed_digest(key, message)
    assert ours == hmac.digest(key, message, hashlib.sha256)
    assert ours == keyed_digest(key, message), "the second time too"
