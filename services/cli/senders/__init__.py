"""`switchboard senders`: which sender is in which Messaging Service. Shown and written here."""
