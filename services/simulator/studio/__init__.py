"""Twilio's Studio on the simulator: flows and their revisions, executions, and a walk through a flow.

May import the simulator, and nothing else of ours.

    api → flows_api, executions_api (Twilio's), steering (the simulator's own)
        → flows | executions → walk → widgets → variables
          definition (what makes a flow valid)

Confirmed by Twilio's pages and OpenAPI (2026): every path, parameter and field; 409 with 20409, its text and
`details.conflicting_execution_sid`, for the same To and From while an execution is active; 81022 where a definition
names widgets twice or leads nowhere; 81023; 20 creates a second and account; 30 days; 1,000 steps; one widget ten times
in a row; a test user gets the latest draft; replies come only by a number, or a service, whose URL is the flow's.

Not confirmed by anybody: how the `details` of 81022 look; that a draft may be invalid; which sid a step and an ended
walk name in `transitioned_to` (here `Ended`); all fields of `widgets.X.inbound` but `Body` (here the whole form of the
webhook); the order of lists (here newest first); what a flow never published answers (here 404), and what an end of one
that has ended (here 200); whether a number's default opt-out answers reach a flow (here they do, as they reach a
webhook); whether a flow's messages are called back and its HTTP requests signed (here neither).

Left out: calls, Liquid beyond plain variables, subflows. A widget of another kind ends the execution. A message that is
taken leads to `sent` at once, and one that is refused to `failed` or `deliveryFailure`; what comes later leads nowhere.
"""
