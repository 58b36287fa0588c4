"""Registrations with US carriers: `reading` asks Twilio; how its lists come to the log is `operations.synced`."""
