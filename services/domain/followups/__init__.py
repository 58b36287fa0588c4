"""What is done about a message once it exists, by commands of their own: feedback, redaction, deletion, typing.

`commands` (what a producer may ask for, and what intake makes of it), `intake`, `effects` (what is told of each step).
Pure: imports the domain alone.
"""
