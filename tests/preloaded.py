"""What is done once in the process from which the tests fork, so that none of the forked does it (tests.forked)."""

import inspect
import sys

import tests.forked  # noqa: F401 - and pytest with it

# Faust asks for the modules of frames: the first time each module's file is looked up, of two thousand.
inspect.getmodule(sys._getframe())
