"""What strangers may send: records of any bytes to every fold, and malformed HTTP to every server."""
