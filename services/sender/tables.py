"""The tables that stand in one partition of the sender: what is remembered of commands, and what the gate looks at."""

OUTBOX = "outbox"
SUPPRESSION = "suppression"
SESSIONS = "sessions"
PAUSES = "pauses"
