"""The tables that stand in one partition of the sender: what is remembered of commands, and what the gate looks at."""

OUTBOX = "outbox"
SUPPRESSION = "suppression"
SESSIONS = "sessions"
NUMBERS = "numbers"
PAUSES = "pauses"
# Who is in a flow of Studio's; who was exposed to which arm of an experiment.
IN_FLOWS = "inflows"
EXPOSURES = "exposures"
SPENT = "spent"
# By which of our senders a person was written to.
INTRODUCED = "introduced"
# How many numbers were looked up in a day.
LOOKED_UP = "lookedup"
