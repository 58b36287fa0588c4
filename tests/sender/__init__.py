"""The sender: its parts without Kafka, and its process on a real broker."""
