"""`switchboard demo`: the whole system on this machine, a story and its chapters played through it, both ends compared.

    main → stack (processes), play (story, then chapters, over HTTP and topics), rest (until nothing moves),
           reconcile (two ends → rows, by oracles) → show (rich, or plain lines)

Uses the services only from outside: their processes, HTTP and topics. Nothing may import it
but `services.cli.commands`.
"""
