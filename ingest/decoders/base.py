"""The interface of a decoder, and a message as decoders see it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import tzinfo
from types import MappingProxyType
from typing import Any, Final, NamedTuple, NoReturn, Protocol, runtime_checkable

import msgspec

from ingest.messages import Decoded, Refusal
from schemas.quarantine import Reason

_DETAIL_MAX: Final = 400
_FIELD_MAX: Final = 256


class RefusedError(ValueError):
    """A message, or one part of it, that cannot be understood."""

    def __init__(self, reason: Reason, field: str | None, detail: str) -> None:
        super().__init__(detail)
        self.refusal = Refusal(reason, printable(field, _FIELD_MAX), printable(detail, _DETAIL_MAX) or "")


def printable(text: str | None, length: int) -> str | None:
    """Text that fits into a message model: bounded, and without the lone surrogates JSON can smuggle in."""
    return text and text[:length].encode("utf-8", "backslashreplace").decode()[:length]


class Options(NamedTuple):
    """What a route says about the messages it takes."""

    timezone: tzinfo | None = None
    """Of devices that give their local time without a zone; None: such times are not used."""


NO_OPTIONS: Final = Options()

_MISSING: Final = object()
_decoder: Final = msgspec.json.Decoder()


class Message:
    """One message: topic, bytes, arrival. Text and JSON are read at most once, however many decoders look at them."""

    __slots__ = ("_arrived", "_json", "_text", "decoder", "levels", "options", "payload", "topic", "why")

    def __init__(
        self, topic: str, payload: bytes, arrived: int | Callable[[], int], options: Options = NO_OPTIONS
    ) -> None:
        """``arrived`` is milliseconds since the epoch, or who knows them: it is asked only where it matters."""
        self.topic = topic
        self.levels: list[str] = topic.split("/")
        self.payload = payload
        self.options = options
        self.decoder = ""
        """Who took it, once that was decided."""
        self.why = ""
        """What decided it."""
        self._arrived = arrived
        self._text: str | None = None
        self._json: Any = _MISSING

    @property
    def arrived_ms(self) -> int:
        """When it arrived; the same when it is delivered again, so that relative times stay what they were."""
        if not isinstance(self._arrived, int):
            self._arrived = self._arrived()
        return self._arrived

    @property
    def text(self) -> str:
        """The payload as UTF-8.

        Raises:
            RefusedError: it is not.
        """
        if self._text is None:
            try:
                self._text = self.payload.decode()
            except UnicodeDecodeError as error:
                detail = f"byte {error.start} of the payload: {error.reason}"
                raise RefusedError(Reason.INVALID_UTF8, None, detail) from None
        return self._text

    @property
    def json(self) -> Any:
        """The payload as JSON (RFC 8259); of a key that is given twice the last value counts, as receivers do.

        Raises:
            RefusedError: it is no JSON, or nested beyond reason.
        """
        if self._json is _MISSING:
            try:
                self._json = _decoder.decode(self.payload)
            except UnicodeDecodeError as error:
                raise RefusedError(Reason.INVALID_UTF8, None, f"byte {error.start}: {error.reason}") from None
            except RecursionError:
                raise RefusedError(Reason.MALFORMED_JSON, None, "nested too deeply") from None
            except ValueError as error:  # msgspec's own error is one
                raise RefusedError(Reason.MALFORMED_JSON, None, str(error)) from None
        return self._json

    @property
    def object(self) -> dict[str, Any]:
        """The payload as a JSON object.

        Raises:
            RefusedError: it is none.
        """
        found = self.json
        if not isinstance(found, dict):
            raise RefusedError(Reason.SCHEMA, None, "not a JSON object")
        return found

    def peek(self) -> Mapping[str, Any]:
        """The same, empty where it is none: for decoders that ask whether this is theirs. Never raises."""
        if self.payload[:1] != b"{" and self.payload.lstrip()[:1] != b"{":
            return _EMPTY
        try:
            return self.object
        except RefusedError:
            return _EMPTY


_EMPTY: Final[Mapping[str, Any]] = MappingProxyType({})


class Decoder(Protocol):
    """Makes sense of one published format."""

    name: str
    """As in routes and in ``eyes decode``: lower case, with the major version where the format has one."""

    def recognise(self, message: Message) -> str | None:
        """Why this is a message of the format, by its topic and shape; None when it is not. Cheap, and never raises."""

    def decode(self, message: Message) -> Decoded:
        """Read one message; good parts are taken even when others are refused.

        Raises:
            RefusedError: nothing of it can be understood.
        """


@runtime_checkable
class Stateful(Protocol):
    """A decoder that needs earlier messages (:attr:`ingest.messages.Decoded.learned`) to read later ones.

    What it learned it keeps in memory; the messages themselves are kept for it and given to it again at every start.
    """

    def learn(self, message: Message) -> None:
        """Take in a message that :meth:`Decoder.decode` has learned from, in this process or in an earlier one."""

    def topics(self) -> Sequence[str]:
        """Topics outside of its routes that what it learned makes it want to hear."""


def schema(field: str | None, detail: str) -> NoReturn:
    """Refuse because of the outline of a message.

    Raises:
        RefusedError: always.
    """
    raise RefusedError(Reason.SCHEMA, field, detail)
