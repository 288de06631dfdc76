"""The windows that the tests of reading them share."""

from support.leaves import leaves, shipped, training

__all__ = ["leaves", "shipped", "training"]
