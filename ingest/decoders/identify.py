"""Device ids that come from topics and payloads of other people's formats."""

from functools import lru_cache
from typing import Final

from pydantic import TypeAdapter, ValidationError

from ingest.decoders.base import RefusedError
from schemas.model import DeviceId
from schemas.quarantine import Reason

_device: Final = TypeAdapter(DeviceId)


@lru_cache(maxsize=400_000)  # a city's devices, each asked for by its topic and by its report
def device_id(text: str, field: str = "topic", reason: Reason = Reason.SCHEMA) -> str:
    """The same text, which the log can hold as the id of a device (:data:`schemas.model.DeviceId`).

    Raises:
        RefusedError: it cannot; says why.
    """
    try:
        return _device.validate_python(text)
    except ValidationError as error:
        raise RefusedError(reason, field, f"device {text!r}: {error.errors()[0]['msg']}") from None
    except UnicodeError:
        raise RefusedError(reason, field, f"device {text!r}: lone surrogates") from None
