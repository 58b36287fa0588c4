"""Runs the program that it is given, as `python -c` does: for `tests.forked`, which starts modules."""

import sys

if __name__ == "__main__":
    exec(sys.argv[1], {"__name__": "__main__"})
