"""`switchboard` with a failpoint armed: `TEST_FAILPOINT=flush.sent:3 python -m tests.failpoint processor`.

The product itself knows no such variable, and an image does not have this module. Without the variable it is the
command that people use.
"""

import os

from services.cli.main import main
from services.runtime import failpoints

VARIABLE = "TEST_FAILPOINT"


def arm() -> None:
    """Arm what the variable names: `name` at its first pass, `name:3` at its third."""
    name, _, nth = os.environ.get(VARIABLE, "").partition(":")
    if name:
        failpoints.arm(name, int(nth or 1))


if __name__ == "__main__":
    arm()
    main()
