"""The fold adapter over Faust, written once: emit, remember, then ack, each awaited; no fold knows of it.

Read in this order: `fold` (what a fold declares), `partition` (one flush), `ledger` (one transaction),
`runner` (who owns which partition), `consumer` and `recovery` (what is replaced inside Faust, and why), `app`.
"""
