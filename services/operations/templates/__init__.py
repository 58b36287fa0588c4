"""Content templates: `reading` asks Twilio's Content API and the log, `syncing` compares them and writes."""
