"""Programmable Messaging (SMS, MMS, WhatsApp): its facts, its folds, its commands. Pure, like all of `domain`.

events → ladder, channel, callback, callback_keys → counting → delivery → deliverability, suspension, recent (what is
told)
consent, refusals, sightings (what its facts state of people and senders) → confirmation
commands → content, recipients, segments, addressing → intake → about (what is said of a send later) → windows, sessions
(what the gate sees) → aftermath, effects (what follows from a command's steps, and what settles it) → finding
timeline (all steps of a command) · number → numbers (can a contact's number be reached?)

A status is folded by `delivery`, over what `ladder` knows of it; a command is taken in by `intake`.
"""
