"""The `switchboard` command: arguments in, tables out, exit codes."""
