"""`switchboard backfill`: facts that Twilio has and the log lacks, for what webhooks lost."""
