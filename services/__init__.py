"""Switchboard: Twilio on Kafka. See README.md for the way of data through these packages."""
