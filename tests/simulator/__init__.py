"""The simulator against the real Twilio client, Twilio's validator and Twilio's published OpenAPI."""
