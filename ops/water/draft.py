"""A first ``sensors.toml`` out of a network's file: what it shows of itself, and hints for the rest."""

from collections.abc import Iterator

from ops.water.inp import Kind, Network

_HEAD = """\
# Made from {source}: look through it, then run `eyes water configure` again.
# A facility is what `eyes registry list` shows; with --register those below are registered, at the model's places.

zone = "{zone}"
# name = "..."
# origin = [LON, LAT]    # of the point (0, 0), where the coordinates are metres
# cost_per_m3 = 0.8      # of lost water
# currency = "EUR"
interval_s = 300         # between two readings of a device
"""

_TAIL = """
# Pressure sensors: the more there are, the nearer a leak is placed. Three that are far apart are a beginning.
# [[sensor]]
# role = "pressure"
# facility = "{prefix}-p-{junction}"
# element = "{junction}"
#
# Customers' meters, one by one, or the sum of many (without an element); with an area, its balance can be drawn.
# [[sensor]]
# role = "consumption"
# facility = "{prefix}-c-{junction}"
# element = "{junction}"
"""


def draft(network: Network, source: str, zone: str) -> str:
    """The text of the file: an inlet for each link at a reservoir, the pumps, the tanks."""
    prefix = zone.rpartition(":")[2]
    junction = next(iter(network.named(Kind.JUNCTION)), "n1")
    blocks = [_HEAD.format(source=source, zone=zone), *_sensors(network, prefix)]
    return "".join((*blocks, _TAIL.format(prefix=prefix, junction=junction)))


def _sensors(network: Network, prefix: str) -> Iterator[str]:
    reservoirs, tanks = network.named(Kind.RESERVOIR), network.named(Kind.TANK)
    inlets = list(dict.fromkeys(link for node in reservoirs for link in network.links_of(node)))
    pumps = [name for name, link in network.links.items() if link.kind is Kind.PUMP and name not in inlets]
    for link in inlets:
        yield _sensor("inlet", f"{prefix}-f-{link}", link, None, f"between {_ends(network, link)}")
    for link in pumps:
        area = next((tank for tank in tanks if _fills(network, link, tank)), None)
        yield _sensor("pump", f"{prefix}-f-{link}", link, area, f"between {_ends(network, link)}")
    for tank in tanks:
        yield _sensor("tank_level", f"{prefix}-l-{tank}", tank, tank, "its level, in m")
    if not inlets:
        yield "\n# No reservoir in the file: name the meters through which water comes in, as role `inlet`.\n"


def _fills(network: Network, pump: str, tank: str) -> bool:
    """Whether a pump lifts water into the part of the network that a tank is in."""
    part = network.part(tank)
    link = network.links[pump]
    return network.part(link.end) == part != network.part(link.start)


def _ends(network: Network, link: str) -> str:
    return f"{network.links[link].start} and {network.links[link].end}"


def _sensor(role: str, facility: str, element: str, area: str | None, hint: str) -> str:
    lines = [f'role = "{role}"', f'facility = "{facility.lower()}"', f'element = "{element}"  # {hint}']
    if area is not None:
        lines.append(f'area = "{area}"')
    return "\n".join(("", "[[sensor]]", *lines, ""))
