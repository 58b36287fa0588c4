"""Our senders and the Messaging Services that they are in: what was seen, what Twilio lists, and all of it joined.

`events` is what the log holds, `sightings` and `listing` make it, `directory` answers. Pure, as all of `domain`.
"""
