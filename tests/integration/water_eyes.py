"""``eyes`` of a build whose one detector looks models up; models are numbers in many bytes, made in no time."""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from processors import detectors
from tests.surveyor import Surveyor

BYTES = 2_500_000
"""Of a model: three chunks."""


def build(inp: Path, sensors: Any, **_: Any) -> bytes:
    """As many times the flow as there are sensors."""
    assert inp.is_file()
    return str(len(sensors)).encode().rjust(BYTES, b"0")


detectors.ALL = (Surveyor(),)  # type: ignore[misc]  # before others import the list by name
detectors.CANDIDATES = (Surveyor(version=2),)  # type: ignore[misc]
signatures: Any = ModuleType("ops.water.signatures")
signatures.build = build
sys.modules[signatures.__name__] = signatures

if __name__ == "__main__":
    from ops.cli.main import main

    main()
