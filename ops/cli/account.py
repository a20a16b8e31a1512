"""``eyes account``: was anything lost, doubled, missed or made up?"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import psycopg
import typer
from rich.console import Console

from ops.accounting import print_reckoning, reckon
from ops.cli.duration import parse_duration
from runtime.errors import FatalError
from runtime.settings import load_settings


def account(
    sent: Annotated[Path, typer.Argument(metavar="SENT", help="what `eyes feed ... --sent FILE` wrote")],
    truth: Annotated[
        Path | None, typer.Option(help="what `eyes feed ... --truth FILE` wrote: check the findings too")
    ] = None,
    wait: Annotated[
        float, typer.Option(parser=parse_duration, metavar="TIME", help="give up when nothing more arrived for so long")
    ] = "30s",  # type: ignore[assignment]  # typer parses the default too
    as_json: Annotated[bool, typer.Option("--json", help="print the account as JSON")] = False,
) -> None:
    """Hold a feeder's own list of ids against the database, by SQL that shares no code with the pipeline.

    Every line sent is stored once, an identical duplicate, a conflict, or set aside; whatever else is in the database
    of these devices is unexplained. Exit code 0 only if nothing was lost or doubled and, with --truth, exactly the
    planted incidents were found.

    Examples:
    - `eyes feed demo --for 60s --sent sent.ndjson --truth truth.ndjson`
    - `eyes account sent.ndjson --truth truth.ndjson`
    - `eyes account sent.ndjson --wait 0 --json | jq .lost`
    """
    console = Console()
    try:
        planted = None if truth is None else _lines(truth)
        reckoning = reckon(load_settings().database, sent, planted, wait_s=wait)
    except OSError as error:
        raise FatalError(f"cannot read {error.filename}: {error.strerror}") from None
    except psycopg.errors.UndefinedTable as error:
        raise FatalError(f"{str(error).splitlines()[0]}: make the tables with `eyes db migrate`") from None
    except psycopg.OperationalError as error:
        raise FatalError(f"no database: {str(error).strip()}; is the stack up? eyes stack status") from None
    except psycopg.DataError as error:
        raise FatalError(f"{sent} is no list of a feeder: {str(error).splitlines()[0]}") from None
    if as_json:
        verdict = None if reckoning.verdict is None else asdict(reckoning.verdict)
        print(json.dumps(asdict(reckoning.account) | {"findings": verdict, "good": reckoning.good}))
    else:
        print_reckoning(console, reckoning)
    if not reckoning.good:
        raise typer.Exit(1)


def _lines(path: Path) -> list[dict[str, Any]]:
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except ValueError as error:
        raise FatalError(f"{path} is no truth of a feeder: {error}") from None
