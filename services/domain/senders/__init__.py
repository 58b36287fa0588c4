"""Our senders and the Messaging Services that they are in: what Twilio lists, what products saw, and all of it joined.

`events` is what the log holds, `listing` makes it, `directory` answers, `reach` says how far a no goes. Pure.
"""
