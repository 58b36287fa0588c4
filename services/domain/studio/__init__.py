"""Twilio's Studio: executions of flows, as they are read at Twilio, and what people say in them. Pure.

    events (what crosses the log) → at_twilio (Twilio's JSON into facts) → watching (what is read, and when)
    → replies (what somebody said in a flow) → executions (what is known of one)

Beside them the commands that start executions: commands → intake → effects, and finding (what a resolution names);
stopping (which executions a STOP ends) and experiments (which arm somebody is in, and when they were exposed to it).
Imports of the domain what messages state, and what stands below them.
"""
