"""The HTTP port of a process: ``/metrics`` for Prometheus and ``/healthz``, which tests progress and not sockets."""

import json
import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import REGISTRY, Info, make_wsgi_app

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

from runtime.version import VERSION

BUILD: Final = Info("eyes_build", "Version and role of this process")

HealthReport = dict[str, object]
"""What ``/healthz`` says; key ``healthy`` (bool) decides between 200 and 503."""


class _QuietHandler(WSGIRequestHandler):
    wbufsize = -1  # an answer goes out whole: who asks a process that ends hears all of it or nothing

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class' name
        """A scrape every few seconds is no event of interest."""


def serve(host: str, port: int, process: str, health: Callable[[], HealthReport]) -> int:
    """Serve in a daemon thread; port 0 takes a free one. Returns the port.

    Raises:
        OSError: the port is taken.
    """
    BUILD.info({"version": VERSION, "process": process})
    metrics = make_wsgi_app(REGISTRY)

    def app(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ["PATH_INFO"] != "/healthz":
            body: Iterable[bytes] = metrics(environ, start_response)
            return body
        report = health()
        status = "200 OK" if report["healthy"] else "503 Service Unavailable"
        start_response(status, [("Content-Type", "application/json")])
        return [json.dumps(report).encode() + b"\n"]

    server = make_server(host, port, app, server_class=WSGIServer, handler_class=_QuietHandler)
    threading.Thread(target=server.serve_forever, name="exposition", daemon=True).start()
    return server.server_port
