"""Linear algebra takes one thread, unless the environment says otherwise."""

import os
import subprocess
import sys

import pytest

from runtime.blas import THREADS

ASK = f"import ops.cli, sys, os; print('numpy' in sys.modules, os.environ['{THREADS}'])"


@pytest.mark.parametrize(("given", "taken"), [(None, "1"), ("3", "3")])
def test_the_command_line_says_it_before_numpy_is_loaded(given: str | None, taken: str) -> None:
    environment = {key: value for key, value in os.environ.items() if key != THREADS}
    if given is not None:
        environment[THREADS] = given
    told = subprocess.run([sys.executable, "-c", ASK], env=environment, capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["False", taken]
