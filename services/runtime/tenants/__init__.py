"""The tenants of a running service: read from files, read again when those change, asked at the moment of use.

In the order of the walk: `settings` is what may be set of one; `files` reads them, each by itself; `live` holds what
counts now, and refuses a change that may never be made; `derived` is what services make of a tenant, made again when it
changes; `known` says whether one that is new is whom the log knows by that name, by the `fingerprints` of its secret;
`watching` looks at the files again, by time and on SIGHUP; `opening` puts that together.

A service is given `Tenants` by its composition and copies nothing out of it. Folds know nothing of it.
"""
