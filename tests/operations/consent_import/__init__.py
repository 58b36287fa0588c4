"""Importing consent of a system that is retired."""
