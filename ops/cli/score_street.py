"""``eyes score street``: all detectors of the street, against a simulated city whose truth is known."""

import json
from typing import Annotated

import typer
from rich.console import Console

from ops.simulate.city.city import City


def street(
    *,
    seed: Annotated[int, typer.Option(help="of the city; report on seeds that nothing was fitted on")] = 1,
    facilities: Annotated[int, typer.Option(min=1, max=200_000, help="at least so many")] = 1_000,
    days: Annotated[int, typer.Option(min=1, max=366, help="how long")] = 2,
    noise: Annotated[float, typer.Option(min=0.0, max=5.0, help="0.5, 1 or 2 times as much goes wrong")] = 1.0,
    as_json: Annotated[bool, typer.Option("--json", help="only the result, for programs")] = False,
) -> None:
    """Precision, recall and delay of every kind of finding on a simulated city.

    The messages go through the decoders, the registry look-up and the normalisation of ingest and through the composed
    fold of all detectors, in this process. A finding is right when it is of the same kind and facility and was raised
    between the begin of the matter and 30 minutes after its end, one to one (docs/street-score.md).

    Examples:
    - `eyes score street --seed 101 --facilities 2000 --days 3`
    - `eyes score street --seed 101 --noise 2 --json | jq .kinds.cover_open`
    """
    # The metrics of ingest, which come along, may be in no process that has others of these names.
    from ops.score.street.run import score_city  # noqa: PLC0415 - see above
    from ops.score.street.show import show  # noqa: PLC0415 - see above

    console = Console(stderr=True, highlight=False)
    city = City(seed, facilities, days, noise)
    with console.status("laying out the city ...") as line:
        score = score_city(city, line.update)
    if as_json:
        print(json.dumps(score.as_json()))
    else:
        show(score)
