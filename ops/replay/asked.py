"""From what stands on the command line to a :class:`~ops.replay.question.Question`."""

import json
import re
import tomllib
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from ops.replay.question import Question
from processors.variants import variant
from runtime.errors import FatalError
from schemas.model import to_ms
from schemas.whatif import WhatIf, WhatIfError

_VERSION: Final = re.compile(r"(?:(?P<name>[a-z_]+)@|@)?(?P<version>\d+)")


def asked(
    processor: str, against: Iterable[str], begin: datetime | None, end: datetime | None, lateness_s: float
) -> Question:
    """Understand a question.

    Args:
        processor: a detector's name, or ``name@version``.
        against: a version (``3``, ``@3``, ``cover@3``) and what-if configurations (files, one after the other).
        begin: of the range, event time.
        end: of the range, exclusive.
        lateness_s: as ingest and the folds have it.

    Raises:
        FatalError: there is no such detector or file, the file is wrong, two versions are named, or the range is empty.
    """
    if begin is not None and end is not None and begin >= end:
        raise FatalError(f"the range is empty: {begin.isoformat()} is not before {end.isoformat()}")
    name, _, version = processor.partition("@")
    what_ifs = []
    for one in against:
        if match := _VERSION.fullmatch(one):
            if match["name"] not in {None, name}:
                raise FatalError(f"{one!r} is not a version of {name!r}, and findings of two detectors differ anyway")
            if version:
                raise FatalError(f"one version at a time: {version} or {match['version']}")
            version = match["version"]
        else:
            what_ifs.append(read_what_if(Path(one), "--against takes a version (a number) or a file"))
    return Question(
        detector=variant(f"{name}@{version}" if version else name),
        what_if=WhatIf(override=tuple(override for one in what_ifs for override in one.override)),
        begin_ms=None if begin is None else to_ms(begin),
        end_ms=None if end is None else to_ms(end),
        lateness_ms=round(lateness_s * 1000),
    )


def read_what_if(path: Path, hint: str) -> WhatIf:
    """A what-if configuration in TOML or, by its suffix, JSON; ``hint`` is for whoever names a file that is none.

    Raises:
        FatalError: there is none, or it is wrong; the message says where.
    """
    try:
        text = path.read_text(encoding="utf-8")
        data: Any = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except OSError as error:
        raise FatalError(f"{path}: {error.strerror}; {hint}") from error
    except ValueError as error:  # of both parsers, and of bytes that are no text
        raise FatalError(f"{path}: {error}") from error
    try:
        if not isinstance(data, dict):
            raise WhatIfError("not an object with the key override")  # noqa: TRY301 - told like its kin
        return WhatIf.read(data)
    except WhatIfError as error:
        raise FatalError("\n".join(f"{path}: {line}" for line in str(error).splitlines())) from error
