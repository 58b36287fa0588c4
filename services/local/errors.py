"""What ends the demo, or dev, early."""


class LocalError(Exception):
    """It cannot go on; the text says why, and what to do about it or the last lines of what failed."""
