"""Content templates: `reading` asks Twilio's Content API; how its list comes to the log is `operations.synced`."""
