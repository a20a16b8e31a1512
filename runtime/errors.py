"""One small error tree, by what the catcher must do next (DESIGN.md, "Exactly once in effect")."""


class PipelineError(Exception):
    """Base of every error of ours that crosses a module."""


class RetryableError(PipelineError):
    """Nothing happened; the same call may succeed later."""


class PoisonError(PipelineError):
    """This one input cannot be processed, now or later: set it aside and go on."""


class OutcomeUnknownError(PipelineError):
    """It may or may not have happened: throw producer and uncommitted state away, read back what was committed."""


class FencedError(PipelineError):
    """Another instance has taken over: stop at once and write nothing more."""


class FatalError(PipelineError):
    """A person must act; the message says how."""
