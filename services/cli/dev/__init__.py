"""`switchboard dev`: all of it on this machine, for as long as the terminal stays open; its data is kept in a folder.

    main → settings (the file, written if there is none), hints, files (what changed),
           follow + lines (the log, in plain lines), polling (a real Twilio that cannot call us)

Uses the services only from outside, as the demo does: their processes and topics. `services.local` starts them.
"""
