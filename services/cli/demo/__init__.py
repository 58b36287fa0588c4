"""`switchboard demo`: the whole system on this machine, a story played through it, and both ends compared.

    main → stack (processes), play (story over HTTP and topics), rest (until nothing moves),
           reconcile (two ends → rows, by oracle) → show (rich, or plain lines)

Uses the services only from outside: their processes, HTTP and topics. Nothing may import it but `services.cli.main`.
"""
