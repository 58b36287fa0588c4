"""The rules, and nothing else: `fold(state, event) -> (state, derived events)`, gates, identities, addresses.

    clock, identity, sids, tenants, whose → addresses, aliases, contact, recipients → consent, outbox (a command's life)
    → commands (what public ones have in common), gate (may it be attempted now?) → about_another (a command about one
    that was taken), results (what is told), senders, templates → messages (a product) → rules (what keyword
    rules have sent)
    compliance (what carriers ask for) · spend (what messages cost) · quiet, zones (when people are left alone)
    errors, codes (what Twilio's codes mean) · due (timers) · audit · public_url · news (in a list of Twilio's)

Pure: no I/O, no clock, no random, no framework. Time and ids arrive in the events. Imports nothing of ours. Products
(`messages`) stand on `senders` and `results`, those on `consent` and `outbox`, which know no product.
"""
