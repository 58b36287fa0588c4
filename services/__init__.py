"""Switchboard: Twilio on Kafka. See README.md for the way of data through these packages.

ingress → the log → processor, sender (→ Twilio, or the simulator), each on runtime → contract → domain
checker (the promises) · operations (what people do to it) · embedded (a Kafka) → local → demo · cli
"""
