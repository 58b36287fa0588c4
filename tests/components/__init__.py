"""Parts of Switchboard on a real Kafka broker."""
