"""Facts that Twilio has and the log lacks, for what webhooks lost: found, and injected. Nothing is sent to anybody.

filling (one run) → window (the time asked about) → compare (both ends) → listing (Twilio's) → lacking (pure)
injection (facts to the log) · reconciling (all of it, for who does so by himself) · errors
"""
