"""The history checker: do the records of a log, and what the other side saw, keep the promises that are published?

    history (what is checked) → check → facts (records by topic) → promises (a module for each) → finding
    commands, executions, statuses, consent, holds, memberships (what the promises ask) · topics, words, addresses

It shares no code with the product, so that one mistake cannot hide another: it imports nothing of `services` but
itself, knows its own names of topics, its own words for STOP and its own way to say where a message stands. Pure: no
Kafka, no clock, no settings. What it is given is records as bytes, and JSON.
"""
