"""``eyes codecs``: the LoRaWAN vendors' codecs that are there, and whether they do what their examples say."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import track
from rich.table import Table

from ingest.codecs.examples import Outcome, run_examples
from ingest.codecs.library import LibraryError
from ingest.codecs.runner import VendorCodecs
from runtime.errors import FatalError
from runtime.settings import load_settings

app = typer.Typer(help="JavaScript codecs of LoRaWAN vendors, for uplinks that nobody decoded.", no_args_is_help=True)
console = Console()

Folder = Annotated[
    Path | None, typer.Argument(metavar="DIR", help="folder of codecs; without it `ingest.codecs` of the configuration")
]


@app.command("list")
def listed(
    folder: Folder = None, as_json: Annotated[bool, typer.Option("--json", help="one JSON object a line")] = False
) -> None:
    """List the codecs of a folder and the devices they are for.

    Examples:
    - `eyes codecs list /etc/eyes/codecs`
    - `eyes codecs list --json | jq -r .file`
    """
    library = _open(folder)[0].library
    table = Table("file", "for")
    for codec in library:
        makes = library.makes(codec)
        if as_json:
            print(json.dumps({"file": codec.name, "for": makes}))
        else:
            table.add_row(escape(codec.name), escape(", ".join(makes)) or "[yellow]no device[/yellow]")
    if not as_json:
        console.print(table if table.row_count else "no codecs")


@app.command("test")
def examples(
    folder: Folder = None,
    all_of_them: Annotated[bool, typer.Option("--all", help="list examples that passed, too")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object an example")] = False,
) -> None:
    """Run the examples that lie beside codecs, in the sandbox that ingest uses.

    Read are `uplinkDecoder.examples` in `*-codec.yaml` of the LoRaWAN Device Repository's layout, and
    `NAME.examples.json` beside `NAME.js`. Exit code 0 when all passed, 1 when one failed or there are none.

    Examples:
    - `eyes codecs test lorawan-devices`
    - `eyes codecs test --all /etc/eyes/codecs`
    - `eyes codecs test --json | jq 'select(.passed | not)'`
    """
    codecs, where = _open(folder)
    try:
        found = run_examples(codecs, where)
        watched = track(found, "running", console=Console(stderr=True), transient=True)
        outcomes = list(watched)
    except LibraryError as error:
        raise FatalError(str(error)) from None
    finally:
        codecs.close()
    failed = sum(1 for one in outcomes if one.differences)
    if as_json:
        for one in outcomes:
            print(json.dumps(one._asdict() | {"passed": not one.differences}, ensure_ascii=False))
    else:
        shown = [one for one in outcomes if all_of_them or one.differences]
        if shown:
            console.print(_table(shown))
        passed = f"{len(outcomes) - failed} of {len(outcomes)} examples passed"
        console.print(passed if outcomes else "there are no examples beside these codecs")
    if failed or not outcomes:
        raise typer.Exit(1)


def _table(outcomes: list[Outcome]) -> Table:
    table = Table("codec", "example", "outcome")
    for one in outcomes:
        said = escape("\n".join(one.differences)) if one.differences else "passed"
        table.add_row(escape(one.codec), escape(one.example), said, style="red" if one.differences else "")
    return table


def _open(folder: Path | None) -> tuple[VendorCodecs, Path]:
    where = folder or load_settings().ingest.codecs
    if where is None:
        raise FatalError("name a folder of codecs, or set ingest.codecs in eyes.toml")
    try:
        return VendorCodecs(where), where
    except LibraryError as error:
        raise FatalError(str(error)) from None
