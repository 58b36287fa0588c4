"""Registrations with US carriers, as people read them to the log."""
