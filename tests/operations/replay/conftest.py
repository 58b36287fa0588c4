"""A log with the product's topics, which the tests here share."""

from tests.operations.dead.conftest import house

__all__ = ["house"]
