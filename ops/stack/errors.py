"""What goes wrong with the local stack."""


class StackError(Exception):
    """The stack cannot do what was asked; ``str()`` says why and what to do about it."""
