"""The ``eyes`` command line: one module per group of commands, assembled in :mod:`ops.cli.main`."""

from runtime.blas import one_thread

one_thread()  # before any command loads NumPy
