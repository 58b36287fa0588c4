"""`switchboard`, the command: arguments in, operations called, tables out.

    main → commands (which there are; each imported when it is named) → a module for each
    attended (how one ends, and with which exit code), refused; changes (plan and apply at Twilio)
    console, screen, plain, bars (what is printed) · options, times (what many take)
    serve (the four services) · dev, demo · pages (those of docs/ that are made from code)

May import everything; nothing imports it.
"""
