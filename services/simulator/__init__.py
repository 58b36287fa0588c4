"""A Twilio that runs on loopback: the Messages resource, signed webhooks, and faults on demand.

May import `services.runtime.config` and `services.runtime.clock`, and nothing else of ours. It signs with Twilio's
own library and must never share code with our verification or our domain: a fake that shares it would agree with
our mistakes.

    settings → app (composition root, HTTP) → rest, control, steering → service → lifecycle → webhooks → your endpoint
                                                                      ↘ conversations: opt-outs, windows, services
"""
