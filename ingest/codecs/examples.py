"""The examples that lie beside codecs, and whether the codecs do what these say.

Read are the ``uplinkDecoder.examples`` of ``{codec}-codec.yaml`` (LoRaWAN Device Repository) with ``output`` and
``normalizedOutput``, and ``{script}.examples.json``: an array of the same objects.
"""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from ingest.codecs.library import Codec, Library, LibraryError
from ingest.codecs.runner import VendorCodecs
from ingest.codecs.sandbox import CodecError
from ingest.decoders.lorawan import Uplink
from ingest.meaning.fields import UNKNOWN

_JSON: Final = ".examples.json"
_DIFFERENCES_MAX: Final = 20
_BYTES_MAX: Final = 1_024
_TOLERANCE: Final = 1e-9


class Outcome(NamedTuple):
    """One example: passed where nothing differs."""

    codec: str
    example: str
    differences: tuple[str, ...]


def run_examples(codecs: VendorCodecs, folder: Path) -> Iterator[Outcome]:
    """Run every example in a folder.

    Raises:
        LibraryError: a file of examples cannot be read.
    """
    for codec, at, example in _examples(codecs.library, folder):
        said = example.get("description") if isinstance(example, dict) else None
        name = said if isinstance(said, str) and said else f"example {at + 1}"
        yield Outcome(codec.name, name, tuple(_differences(codecs, codec, example))[:_DIFFERENCES_MAX])


def _examples(library: Library, folder: Path) -> Iterator[tuple[Codec, int, Any]]:
    for described in library.described:
        for at, example in enumerate(described.examples):
            yield library.at(described.script), at, example
    for file in sorted(folder.resolve().rglob(f"*{_JSON}")):
        script = file.with_name(file.name.removesuffix(_JSON) + ".js")
        if not script.is_file():
            raise LibraryError(f"{file}: there is no {script.name} beside it")
        try:
            examples = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise LibraryError(f"{file}: {error}") from None
        if not isinstance(examples, list):
            raise LibraryError(f"{file}: no array of examples")
        for at, example in enumerate(examples):
            yield library.at(script), at, example


def _differences(codecs: VendorCodecs, codec: Codec, example: Any) -> Iterator[str]:
    given = example.get("input") if isinstance(example, dict) else None
    wanted = example.get("output") if isinstance(example, dict) else None
    if not isinstance(given, dict) or not isinstance(wanted, dict):
        yield "no example: it needs input and output"
        return
    payload = _bytes(given.get("bytes"))
    port = given.get("fPort", 0)
    if payload is None or not isinstance(port, int):
        yield "input: bytes are no array of 0..255 and no hexadecimal text, or fPort is no number"
        return
    time = given.get("recvTime")
    try:
        made = codecs.run(codec, Uplink(UNKNOWN, "", payload, port, time if isinstance(time, str) else None))
    except CodecError as error:
        if not wanted.get("errors"):
            yield f"failed: {error}"
        return  # what a codec throws is an error of its own to a server as well
    if wanted.get("errors"):
        if not made.errors:
            yield f"errors: wanted {wanted['errors']!r}, none came"
        return
    if made.errors:
        yield f"errors: {'; '.join(made.errors)}"
        return
    yield from different("data", wanted.get("data"), made.data)
    normalised = example.get("normalizedOutput")
    if isinstance(normalised, dict) and "data" in normalised:
        yield from different("normalized", _listed(normalised["data"]), _listed(made.normalised))


def different(path: str, wanted: Any, got: Any) -> Iterator[str]:
    """Where two JSON values differ; numbers may by 1 in 10^9."""
    if isinstance(wanted, dict) and isinstance(got, dict):
        for name in [*wanted, *(one for one in got if one not in wanted)]:
            here = f"{path}.{name}"
            if name not in got:
                yield f"{here}: wanted {_short(wanted[name])}, is missing"
            elif name not in wanted:
                yield f"{here}: {_short(got[name])} is too much"
            else:
                yield from different(here, wanted[name], got[name])
    elif isinstance(wanted, list) and isinstance(got, list) and len(wanted) == len(got):
        for at, (one, other) in enumerate(zip(wanted, got, strict=True)):
            yield from different(f"{path}[{at}]", one, other)
    elif not _same(wanted, got):
        yield f"{path}: wanted {_short(wanted)}, got {_short(got)}"


def _same(wanted: Any, got: Any) -> bool:
    if isinstance(wanted, bool) or isinstance(got, bool):
        return wanted is got
    if isinstance(wanted, int | float) and isinstance(got, int | float):
        return math.isclose(wanted, got, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)
    return bool(wanted == got)


def _short(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)[:120]


def _listed(value: Any) -> Any:
    return value if isinstance(value, list) or value is None else [value]


def _bytes(value: Any) -> bytes | None:
    if isinstance(value, str):
        try:
            return bytes.fromhex(value)[:_BYTES_MAX]
        except ValueError:
            return None
    if not isinstance(value, list) or len(value) > _BYTES_MAX:
        return None
    whole = all(isinstance(one, int) and 0 <= one <= 255 for one in value)  # noqa: PLR2004 - a byte
    return bytes(value) if whole else None
