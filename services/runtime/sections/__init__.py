"""What is set, a module for each service and for what all share; `runtime/config` puts them together."""
