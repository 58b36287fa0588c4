"""The poller: what it reads of Twilio, how often, and what it makes of it."""
