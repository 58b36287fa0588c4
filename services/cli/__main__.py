"""`switchboard`, also as `python -m services.cli`."""

import signal

# Ctrl-C while all the rest is imported, which takes a second, just ends us: there is nothing to clean up yet.
_AS_IT_WAS = signal.getsignal(signal.SIGINT)
if _AS_IT_WAS is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from services.cli.main import main  # noqa: E402

signal.signal(signal.SIGINT, _AS_IT_WAS)

if __name__ == "__main__":
    main()
