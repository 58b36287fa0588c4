"""Flows of Twilio's Studio as files: exported, compared, validated, published, and led back to a revision.

`reading` asks Twilio for flows, `files` is a definition as a file and what differs between two, `publishing` what is to
be changed and the hands that do it.
"""
