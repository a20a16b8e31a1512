"""Says which ports are taken, and by whom, before a server fails over it."""

import socket
from collections.abc import Mapping

import psutil

from ops.stack.errors import StackError


def require_free(host: str, ports: Mapping[int, str]) -> None:
    """Check that ``ports`` (number: the setting that chooses it) can be listened on.

    Raises:
        StackError: One is in use; the message names the process and the setting.
    """
    taken = []
    for port, setting in ports.items():
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the servers do
            try:
                probe.bind((host, port))
                probe.listen(1)
            except OSError as error:
                taken.append(f"  {host}:{port} ({setting}): {error.strerror}{_user_of(port)}")
    if taken:
        raise StackError(
            "\n".join(("ports are taken:", *taken, "End that process, or choose other ports in eyes.toml ([stack])."))
        )


def _user_of(port: int) -> str:
    """Which process listens on a port, as far as this user may see it."""
    try:
        connections = psutil.net_connections("tcp")
    except psutil.Error:
        return ""
    for one in connections:
        if one.laddr and one.laddr.port == port and one.status == psutil.CONN_LISTEN and one.pid:
            try:
                return f", used by process {one.pid} ({psutil.Process(one.pid).name()})"
            except psutil.Error:
                return f", used by process {one.pid}"
    return ""
