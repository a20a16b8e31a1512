"""The ``eyes`` command line: one module per group of commands, assembled in :mod:`ops.cli.main`."""
