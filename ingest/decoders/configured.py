"""The decoders as the configuration wants them."""

from zoneinfo import ZoneInfo

from ingest.decoders.base import Options
from ingest.decoders.catalogue import Catalogue, Route
from runtime.errors import FatalError
from runtime.settings import RouteSettings, Settings


def catalogue_of(settings: Settings) -> Catalogue:
    """A catalogue with the configured routes before the default ones, nothing learned yet.

    Raises:
        FatalError: a route names a decoder that does not exist, or its filter is none.
    """
    try:
        return Catalogue([_route(one) for one in settings.ingest.routes])
    except ValueError as error:
        raise FatalError(f"ingest.routes: {error}") from None


def _route(said: RouteSettings) -> Route:
    zone = None if said.timezone is None else ZoneInfo(said.timezone)
    return Route(said.topic_filter, said.decoder, Options(timezone=zone))
