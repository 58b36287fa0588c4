"""The gate: may this command be attempted now? Pure and total; the same question gets the same verdict.

    question (what is asked of a command), view (what is known) → decide (the walk, check by check)
    → receipt (both, kept with the verdict: from it anyone can judge again)

The checks, by what they look at:

    times (too late, paused, night, too often) · tenant (whom and from where it sends) · people (holds, consent,
    suspicion) · windows and template (WhatsApp's and Messenger's) · reach (does anything arrive?) · registration (do
    carriers take it from this sender?) · media (can they be sent?) · money (budgets)

Beside them purposes (what a command is for) and conditions (what waits for what, by name). A check is a function of
question and view: the verdict that stands against the command, or None. A new one is a function here and its line in
`decide`.
"""
