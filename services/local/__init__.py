"""All of it on this machine: what `switchboard demo` and `switchboard dev` share.

    layout (folder and ports) → stack (a Kafka, and the services as processes of their own) → show (what is seen of it)
    running (how it ends)

Uses the services only from outside: their processes, HTTP and topics. It may import `operations` and `embedded`.
"""
