"""The decoders as the configuration wants them."""

from zoneinfo import ZoneInfo

from ingest.codecs.library import LibraryError
from ingest.codecs.runner import VendorCodecs
from ingest.decoders.base import Options
from ingest.decoders.catalogue import Catalogue, Route, make_decoders
from ingest.decoders.lorawan import NO_CODECS
from ingest.meaning.fields import FieldsError, load_fields
from runtime.errors import FatalError
from runtime.settings import RouteSettings, Settings


def catalogue_of(settings: Settings) -> Catalogue:
    """A catalogue with the configured routes before the default ones, nothing learned yet.

    Raises:
        FatalError: a route names a decoder that does not exist, or its filter is none; codecs or fields cannot be read.
    """
    folder = settings.ingest.codecs
    try:
        codecs = NO_CODECS if folder is None else VendorCodecs(folder)
    except LibraryError as error:
        raise FatalError(f"ingest.codecs: {error}") from None
    try:
        fields = load_fields(settings.ingest.fields)
    except FieldsError as error:
        raise FatalError(f"ingest.fields: {error}") from None
    try:
        return Catalogue([_route(one) for one in settings.ingest.routes], make_decoders(codecs, fields))
    except ValueError as error:
        raise FatalError(f"ingest.routes: {error}") from None


def _route(said: RouteSettings) -> Route:
    zone = None if said.timezone is None else ZoneInfo(said.timezone)
    return Route(said.topic_filter, said.decoder, Options(timezone=zone))
