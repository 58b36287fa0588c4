"""One command for people: `switchboard`. Starts the services, and asks and mends the system from outside."""
