"""What is set of a tenant, a module for each concern; `tenants/settings` puts them together."""
