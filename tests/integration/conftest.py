"""One local stack for the whole test session."""

from collections.abc import Iterator

import pytest

from tests.servers import TestStack, running_stack


@pytest.fixture(scope="session")
def stack() -> Iterator[TestStack]:
    """The session's stack. Use a prefix and a database of your own, and leave it running as it was."""
    with running_stack("test") as stack:
        yield stack
