"""The shapes of ids: Twilio's, of a kind by its two letters, and a producer's own for a command."""

import re

MESSAGE = re.compile(r"(SM|MM)[0-9a-fA-F]{32}")
MESSAGING_SERVICE = re.compile(r"MG[0-9a-fA-F]{32}")
FLOW = re.compile(r"FW[0-9a-fA-F]{32}")
EXECUTION = re.compile(r"FN[0-9a-fA-F]{32}")
COMMAND_ID = re.compile(r"[\x21-\x7e]{1,128}")
