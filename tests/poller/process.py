"""The poller as a process that looks often, and soon asks again: `python -m tests.poller.process --config FILE poller`.

The product looks every few seconds what there is to do; here nearly every test would wait for several such looks, of
which it tells nothing. How long the waits between tries are is asked of their own tests.
"""

from dataclasses import replace

from services.cli.main import main
from services.poller import answers, deactivating, reader, reconciling, senders, syncing, tickets
from services.poller import main as poller
from services.poller.products import PRODUCTS
from tests import failpoint

_EVERY_S = 0.25


def impatient() -> None:
    for module in (deactivating, reconciling, senders, syncing, tickets):
        setattr(module, "_EVERY_S", _EVERY_S)  # noqa: B010
    setattr(poller, "PRODUCTS", tuple(replace(one, every_s=_EVERY_S) for one in PRODUCTS))  # noqa: B010
    setattr(answers, "_WAITS_S", (0.1, 0.5))  # noqa: B010
    setattr(reader, "_WAITS_S", (0.1, 0.5, 2.5))  # noqa: B010


if __name__ == "__main__":
    failpoint.arm()
    impatient()
    main()
