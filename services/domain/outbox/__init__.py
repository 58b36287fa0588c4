"""A command's life, of whatever product: pending → deferred → attempted → ambiguous → settled. Pure.

    accepted, verdicts, pauses (what comes in) → facts, entry (a command as it is remembered) → steps, effects (what is
    told; what a product says) → taking, waiting, cancels, attempts, settling, claims → fold (all of it)
    lists (under what names rows are found)

All of it enters by `fold`: a command that comes is `taking`'s, its attempts are those of `attempts`.

A product gives its accepted command (`Accepted`), what Twilio created (`Created`) and its `Effects`; nothing here knows
one. Imports nothing of the domain but what is known of codes, times and identities.
"""
