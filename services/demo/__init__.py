"""The demo: a story and its chapters played through the whole system, and both ends compared.

    settings (of one demo), story and chapters (written by script and cast)
    round → play (over HTTP and topics) → rest (until nothing moves)
          → twilio, log, answers (both ends, read) → reconcile (two ends → rows, by the oracles)
          → rates, contact, places (what is told beside the rows)

Uses the services only from outside: their processes, HTTP and topics. It may import what a command may (`local`,
`operations`, the checker), and no command. `services/cli/demo` shows it.
"""
