"""For all tests: what shared modules assert is shown as fully as what a test itself asserts; how long to search."""

import os
import sys
from collections.abc import Iterator

import pytest
from hypothesis import settings

pytest.register_assert_rewrite("tests.contracts")

# `make check` looks at fewer examples than `make test`; the seeds of simulations are told likewise (EYES_SEEDS).
settings.register_profile("eyes", deadline=None, max_examples=int(os.environ.get("EYES_EXAMPLES", "100")))
settings.load_profile("eyes")


@pytest.fixture(autouse=True, scope="module")
def _topics_end_with_their_module() -> Iterator[None]:
    yield
    servers = sys.modules.get("tests.servers")  # only who has servers loads it
    for stack in () if servers is None else servers.running:
        stack.drop_topics()
