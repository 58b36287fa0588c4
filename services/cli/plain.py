"""Showing what others wrote."""

from rich.text import Text

from services.runtime.masking import unsteered


def plain(text: str) -> Text:
    """Text of others as it is: neither rich's markup nor a command to the terminal."""
    return Text(unsteered(text))
