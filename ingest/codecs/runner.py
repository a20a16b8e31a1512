"""Uplinks whose bytes nobody decoded, through the vendors' codecs of a folder."""

from pathlib import Path
from typing import Any, Final

from ingest.codecs.library import Codec, Library
from ingest.codecs.sandbox import CodecError, Sandbox
from ingest.decoders.base import RefusedError
from ingest.decoders.lorawan import Made, Uplink
from ingest.meaning.times import rfc3339
from schemas.quarantine import Reason

_ERRORS_MAX: Final = 5


class VendorCodecs:
    """:class:`ingest.decoders.lorawan.Codecs` over a folder."""

    def __init__(self, folder: Path) -> None:
        """Read the folder.

        Raises:
            LibraryError: it cannot be read.
        """
        self.library = Library(folder)
        self._sandbox = Sandbox()

    def close(self) -> None:
        """End the process in which codecs run."""
        self._sandbox.close()

    def decode(self, uplink: Uplink) -> Made | None:
        """What the device's codec makes of an uplink; None without one.

        Raises:
            RefusedError: it failed; nothing but this message is affected.
        """
        codec = self.library.find(uplink.who, uplink.profile)
        if codec is None:
            return None
        try:
            return self.run(codec, uplink)
        except CodecError as error:
            raise RefusedError(Reason.CODEC, "data", f"codec {codec.name}, port {uplink.port}: {error}") from None

    def run(self, codec: Codec, uplink: Uplink) -> Made:
        """Run one codec.

        Raises:
            CodecError: it failed.
        """
        now = rfc3339(uplink.received) or 0
        answer = self._sandbox.run(
            codec,
            {"bytes": list(uplink.payload), "fPort": uplink.port, "now": now, "variables": dict(uplink.variables)},
        )
        said = answer["said"]
        errors = _texts(said.get("errors"))
        data = said.get("data")
        if errors:
            return Made({}, None, errors, _texts(said.get("warnings")))
        if not isinstance(data, dict):
            raise CodecError(f"data is no object but {type(data).__name__}")
        normalised = answer.get("normalised") or {}
        fitting = None if _texts(normalised.get("errors")) else normalised.get("data")
        return Made(data, fitting, (), _texts(said.get("warnings")))


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(str(one)[:200] for one in value[:_ERRORS_MAX]) if isinstance(value, list) else ()
