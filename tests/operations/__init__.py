"""What people do to a running log: each operation on a real broker, and the command over it as a process."""
