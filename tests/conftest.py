"""For all tests: what shared modules assert is shown as fully as what a test itself asserts."""

import pytest

pytest.register_assert_rewrite("tests.contracts")
