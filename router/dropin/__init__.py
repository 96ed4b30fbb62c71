"""A client of the SDK whose `model="auto"` is routed. Extra: `anthropic`."""

from ._wrap import wrap

__all__ = ["wrap"]
