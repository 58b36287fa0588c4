"""Messaging Services as a file wants them: `wanted` reads the file, `reading` asks Twilio, `planning`, `applying`.

Nothing is ever deleted: a service that the file does not name stays as it is.
"""
