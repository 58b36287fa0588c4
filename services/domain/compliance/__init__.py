"""What is registered with carriers, and which sender may write where: what Twilio lists of it, and what follows.

    events (what the log holds) · listing (Twilio's JSON into facts, and what is news) → registry (may this sender
    write there?) · usecases (does the message fit its campaign?) with concerns (what is
    told) · throughput (how fast a campaign sends)

Pure.
"""
