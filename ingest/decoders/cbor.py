"""CBOR (RFC 8949) from anyone: small, flat, and only what has a JSON counterpart."""

from io import BytesIO
from typing import Any, Final

import cbor2

from ingest.decoders.base import RefusedError
from schemas.quarantine import Reason

DEPTH_MAX: Final = 8
_OBJECT_TAGS: Final = (0, 1, 5, 25, 28, 29, 30, 35, 36, 37, 52, 54, 100, 256, 258, 260, 261, 1004, 43_000)


def _refuse(*_: Any, **__: Any) -> Any:
    raise cbor2.CBORDecodeError("a tag that stands for no number")


_REFUSED_TAGS: Final = dict.fromkeys(_OBJECT_TAGS, _refuse)
"""What cbor2 would make objects of: dates, regular expressions, references that may run in circles; and big floats,
whose exponent may be enormous."""


def loads(payload: bytes) -> Any:
    """Read one item.

    Keys given twice, tags other than big integers and decimal fractions, nesting beyond ``DEPTH_MAX``, lengths beyond
    the end and bytes behind the end are refused.

    Raises:
        RefusedError: what is wrong.
    """
    try:
        decoder = cbor2.CBORDecoder(
            BytesIO(payload),
            max_depth=DEPTH_MAX,
            allow_duplicate_keys=False,
            semantic_decoders=_REFUSED_TAGS,
            tag_hook=_refuse,
        )
        found = decoder.decode()
    except (cbor2.CBORError, ValueError, ArithmeticError, TypeError, MemoryError, RecursionError) as error:
        raise RefusedError(Reason.MALFORMED, None, f"no CBOR that can be read: {error}") from None
    try:
        decoder.read(1)
    except cbor2.CBORDecodeEOF:
        return found
    raise RefusedError(Reason.MALFORMED, None, "something follows behind the end of the CBOR")
