"""What goes wrong with the local stack."""

from runtime.errors import FatalError


class StackError(FatalError):
    """The stack cannot do what was asked; ``str()`` says why and what to do about it."""
