"""A real Apache Kafka (KRaft, one node) on loopback: what the demo and the tests run when no broker is given.

Lives here: fetching the jars, one broker's properties, certificates and process. Only `services.cli` and the
tests may import it; it imports nothing of Switchboard, and no service knows whether its broker is embedded.
"""
