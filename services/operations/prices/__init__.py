"""The price list: `reading` asks Twilio's Pricing API; how its list comes to the log is `operations.synced`."""
