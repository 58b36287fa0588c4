"""A real Apache Kafka (KRaft, one node) on loopback: what the demo and the tests run when no broker is given.

    broker → jars, archive (what is fetched) → java → layout, storage, tls, ports → process → tools (Kafka's own)
    errors · pin (which jars: `make lock`)

Only `services.local`, `services.cli.dev`, `services.cli.demo` and the tests may import it; it imports nothing of
Switchboard, and no service knows whether its broker is embedded.
"""
