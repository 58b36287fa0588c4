"""Inputs out of other people's reports, each with what is right, on the running services and a Kafka.

Each test has a tenant of its own, so that nobody's STOP is another's. Webhooks are signed by Twilio's own library.
"""
