"""The pages of `docs/` that are made from code: `make docs` writes them, a test holds them current.

    topics (the registry), settings (the model), cli (the commands), metrics (the registries)

Each gives its whole page as text.
"""
