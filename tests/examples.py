"""How many examples a property is tried on: what it asks for is for a long look (``EYES_EXAMPLES=100``)."""

from hypothesis import settings

LONG = 100
LEAST = 3


def examples(long: int) -> int:
    """Its share of a look as long as this one; only at the beginning, when the profile is loaded."""
    return max(LEAST, long * settings().max_examples // LONG)
