"""``eyes score street``: all detectors of the street, against a simulated city whose truth is known."""

import json
import re
from typing import Annotated, Final

import typer
from rich.console import Console

from ops.cli.duration import parse_duration
from ops.simulate.city.city import FAMILIES

TICK_S: Final = (0.1, 3600.0)
SEEDS_MAX: Final = 1_000
_SEEDS = re.compile(r"(\d{1,18})(?:-(\d{1,18}))?")


def parse_seeds(text: str) -> tuple[int, ...]:
    """Numbers and ranges of them, as ``7``, ``401-406`` or ``1,5,7-9``; each once, in their order.

    Raises:
        typer.BadParameter: it is none of these.
    """
    seeds: list[int] = []
    for part in text.split(","):
        match = _SEEDS.fullmatch(part.strip())
        if match is None:
            raise typer.BadParameter(f"{part!r} is no seed; write e.g. 7, 401-406 or 1,5,7-9", param_hint="--seed")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first or last - first >= SEEDS_MAX:
            what = f"{part!r}: a range goes from the lower to the higher seed, over {SEEDS_MAX:,} at most"
            raise typer.BadParameter(what, param_hint="--seed")
        seeds += range(first, last + 1)
    return tuple(dict.fromkeys(seeds))


def parse_families(text: str) -> tuple[str, ...]:
    """Names of families, as ``bay,timed``.

    Raises:
        typer.BadParameter: there is no such family.
    """
    wanted = {part.strip() for part in text.split(",")}
    if unknown := sorted(wanted.difference(FAMILIES)):
        raise typer.BadParameter(f"no family {unknown[0]!r}; there are {', '.join(FAMILIES)}", param_hint="--only")
    return tuple(name for name in FAMILIES if name in wanted)


def parse_tick(text: str) -> float:
    """Seconds between two ticks.

    Raises:
        typer.BadParameter: it is no duration, or not one of a tenth of a second to an hour.
    """
    seconds = parse_duration(text)
    if not TICK_S[0] <= seconds <= TICK_S[1]:
        what = f"{text!r}: a tick lasts between {TICK_S[0]:g} s and {TICK_S[1]:g} s"
        raise typer.BadParameter(what, param_hint="--tick")
    return seconds


def street(
    *,
    seed: Annotated[
        str,
        typer.Option(
            metavar="N[-M][,...]",
            help="of one city or of several together; report on seeds nothing was fitted on",
        ),
    ] = "1",
    facilities: Annotated[int, typer.Option(min=1, max=200_000, help="at least so many in each city")] = 1_000,
    days: Annotated[int, typer.Option(min=1, max=366, help="how long")] = 2,
    noise: Annotated[float, typer.Option(min=0.0, max=5.0, help="0.5, 1 or 2 times as much goes wrong")] = 1.0,
    only: Annotated[
        str | None,
        typer.Option(
            metavar="FAMILY[,...]", help=f"make only these sorts of facilities; there are {', '.join(FAMILIES)}"
        ),
    ] = None,
    tick: Annotated[
        str, typer.Option(metavar="TIME", help="how often the clock is told; what comes of a timer waits for that")
    ] = "1s",
    explain: Annotated[
        bool, typer.Option("--explain", help="list each false finding and each that is missing, and what was there")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="only the result, for programs")] = False,
) -> None:
    """Precision, recall and delay of every kind of finding on a simulated city.

    The messages go through the decoders, the registry look-up and the normalisation of ingest and through the composed
    fold of all detectors, in this process. A finding is right when it is of the same kind and facility and was raised
    between the begin of the matter and 30 minutes after its end, one to one (docs/street-score.md).

    Of several seeds the truths, findings and delays are put together, as if it were one city. With `--only` the delays
    of gateways and the like are not those of a city; `--tick 5s` makes less work, and findings up to 5 s later.

    Examples:
    - `eyes score street --seed 101 --facilities 2000 --days 3`
    - `eyes score street --seed 101 --noise 2 --json | jq .kinds.cover_open`
    - `eyes score street --seed 31 --facilities 500 --explain`
    - `eyes score street --seed 401-406 --facilities 300 --only bay,timed --tick 5s`
    - `eyes score street --seed 7 --facilities 300 --days 35 --tick 1m --json | jq .novelty`
    """
    # The metrics of ingest, which come along, may be in no process that has others of these names.
    from ops.score.street import total  # noqa: PLC0415 - see above
    from ops.score.street.run import score  # noqa: PLC0415 - see above
    from ops.score.street.show import show  # noqa: PLC0415 - see above

    families = None if only is None else parse_families(only)
    settings = total.Settings(parse_seeds(seed), facilities, days, noise, families, parse_tick(tick))
    console = Console(stderr=True, highlight=False)
    if console.is_terminal:
        with console.status("laying out the city ...") as line:
            figures = score(settings, line.update)
    else:  # nobody watches, and drawing costs a twentieth of it all
        figures = score(settings)
    if as_json:
        print(json.dumps(total.as_json(figures, settings, explain=explain)))
    else:
        show(figures, settings, explain=explain)
