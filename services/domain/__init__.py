"""The rules, and nothing else: `fold(state, event) -> (state, derived events)`, gates, identities, addresses.

    clock, identity, sids, tenants, whose → addresses, aliases, contact, recipients → consent → senders → messages
    due (timers) · audit · public_url

Pure: no I/O, no clock, no random, no framework. Time and ids arrive in the events. Imports nothing of ours. Products
(`messages`) stand on `senders`, those on `consent`, and consent on the rest.
"""
