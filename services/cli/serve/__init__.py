"""The commands that are services: a module each, so that none pays for the imports of another.

`start.py` is what all of them do before they serve.
"""
