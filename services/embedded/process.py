"""One long-running child process that cannot outlive us."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

_SHELL = "/bin/sh"
# Is told a pid, then reads on: only we hold the other end, so it goes on when we are gone, even by kill -9. Linux could
# do the same by PR_SET_PDEATHSIG, but that fires when the *thread* that started the child ends.
_WATCH = 'read -r pid; read -r _; [ -z "$pid" ] || kill -9 "$pid"; [ -z "$1" ] || { sleep 1; rm -rf -- "$1"; }'
# Tells the watch its pid, and becomes the program: no Ctrl-C falls between what is started and who watches it.
_BEGIN = 'echo $$ >&0; exec "$@" </dev/null'


class Process:
    """A running program, its output appended to `log`; `scratch` is deleted should we die before we stop it.

    It has a session of its own: Ctrl-C in the terminal reaches us, and we decide in which order things stop.
    """

    def __init__(self, command: Sequence[str], log: Path, scratch: Path | None) -> None:
        self._watch = subprocess.Popen(  # noqa: S603 - our own commands
            [_SHELL, "-c", _WATCH, "watch", str(scratch or "")],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            with log.open("ab") as output:
                self._child = subprocess.Popen(  # noqa: S603
                    [_SHELL, "-c", _BEGIN, "begin", *command],
                    stdin=self._watch.stdin,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                )
        except BaseException:
            # Interrupted in the middle of it: the watch ends what has begun.
            self._watch.communicate()
            raise

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._child.poll()

    def stop(self, grace_s: float) -> None:
        """Ask it to end; after `grace_s` seconds kill it."""
        self.thaw()
        self._signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._child.wait(grace_s)
        self.kill()

    def kill(self) -> None:
        # First the watch: once the child is reaped, its pid may be another's.
        self._watch.kill()
        self._watch.communicate()
        self._signal(signal.SIGKILL)
        self._child.wait()

    def freeze(self) -> None:
        """Return once every thread stands: on a busy machine some run on for a while after the signal."""
        self._signal(signal.SIGSTOP)
        if self.exit_code is None:
            os.waitpid(self.pid, os.WUNTRACED)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        self._child.send_signal(number)
