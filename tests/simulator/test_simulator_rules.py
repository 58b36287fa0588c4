"""The pure rules: segments and connection overrides."""

import pytest

from services.simulator.overrides import Overrides, split
from services.simulator.segments import segment_count, smart_encoded

SEGMENTS = {
    "nothing": ("", 1),
    "one full": ("a" * 160, 1),
    "one more": ("a" * 161, 2),
    "two full": ("a" * 306, 2),
    "three": ("a" * 307, 3),
    "escapes count twice": ("€" * 80, 1),
    "escapes fill": ("€" * 81, 2),
    "an escape is not split": ("a" * 152 + "€" + "a" * 152, 3),
    "greek capitals are GSM": ("Δ" * 160, 1),
    "one full in UCS-2": ("ж" * 70, 1),
    "one more in UCS-2": ("ж" * 71, 2),
    "emoji count twice": ("👋" * 35, 1),
    "emoji are not split": ("👋" * 67, 3),
    "one foreign character makes it UCS-2": ("a" * 70 + "ж", 2),
}


@pytest.mark.parametrize("case", SEGMENTS)
def test_segments(case: str) -> None:
    text, count = SEGMENTS[case]
    assert segment_count(text) == count


def test_smart_encoding_keeps_a_text_in_gsm() -> None:
    text = "“It’s here” – at last…" + "a" * 120
    assert segment_count(text) == 3
    assert smart_encoded(text).startswith('"It\'s here" - at last...')
    assert segment_count(smart_encoded(text)) == 1


OVERRIDES = {
    "none": ("https://a/b?c=d", Overrides()),
    "empty": ("https://a/b?c=d#", Overrides()),
    "all of them": (
        "https://a/b?c=d#rc=2&rp=4xx,rt&ct=100&rt=2000&tt=9000",
        Overrides(2, frozenset({"4xx", "rt"}), 0.1, 2.0, 9.0),
    ),
    "out of range": ("https://a/b?c=d#rc=6&ct=99&rt=15001&tt=-1", Overrides()),
    "not numbers": ("https://a/b?c=d#rc=two&rp=never&e=ashburn", Overrides()),
}


@pytest.mark.parametrize("case", OVERRIDES)
def test_overrides(case: str) -> None:
    url, overrides = OVERRIDES[case]
    assert split(url) == ("https://a/b?c=d", overrides)
