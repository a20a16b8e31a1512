"""``eyes rules``: the parameters by which detectors decide, and what applies to whom."""

from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from ops.explained import kafka_explained
from ops.registry import Scoped, configure, read_registered
from runtime.errors import FatalError
from runtime.settings import load_settings
from schemas.facility import FacilityClass, Policy
from schemas.rules import (
    PARAMETERS,
    RULES,
    RuleError,
    Scope,
    check,
    deciding,
    explain,
    merged,
    plain,
    read_value,
    without,
)

app = typer.Typer(help="Thresholds of the detectors: what they are and to whom they apply.", no_args_is_help=True)
console = Console()

Class = Annotated[FacilityClass | None, typer.Option("--class", metavar="CLASS", help="all facilities of a class")]
Zone = Annotated[str | None, typer.Option(help="all facilities of a zone")]
FacilityId = Annotated[str | None, typer.Option("--facility", help="one facility")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="only say what would change")]


@app.command("list")
def list_rules(
    rule: Annotated[str | None, typer.Argument(help="only this one")] = None,
    *,
    facility_class: Annotated[
        FacilityClass | None, typer.Option("--class", metavar="CLASS", help="only those of this class")
    ] = None,
) -> None:
    """List every parameter with its unit, default and range. Example: `eyes rules list cover`.

    Rules that decide nothing until somebody sets a limit are listed only by name: `eyes rules list limit_temperature`.
    """
    if rule is not None and rule not in RULES:
        raise FatalError(f"there is no rule {rule!r}; there are {', '.join(RULES)}")
    table = Table(Column("parameter", no_wrap=True), "unit", "default", "range", "processor", "meaning")
    for name, (its, one) in PARAMETERS.items():
        asked = its.in_force if rule is None else its.name == rule
        if asked and (facility_class is None or its.applies(facility_class)):
            bounds = f"{plain(one.low)} to {plain(one.high)}"
            table.add_row(*map(escape, (name, one.unit, plain(one.default), bounds, its.processor, one.meaning)))
    console.print(table)
    idle = [its.name for its in RULES.values() if not its.in_force]
    if rule is None and idle:
        console.print(f"and, without a limit until somebody sets one: {', '.join(idle)}", highlight=False)


@app.command()
def show(facility: Annotated[str, typer.Argument(metavar="ID", help="of a facility")]) -> None:
    """Show what applies to a facility, and who said so. Example: `eyes rules show 41100201001000123`."""
    settings = load_settings().kafka
    with kafka_explained(settings):
        registered = read_registered(settings)
    found = registered.facilities.get(facility)
    if found is None:
        raise FatalError(f"no facility {facility!r} is registered; see: eyes registry list")
    zone = registered.zones.get(found.zone)
    whose = {
        Scope.FACILITY: found.facility,
        Scope.ZONE: found.zone,
        Scope.CLASS: found.facility_class.value,
        Scope.DEFAULT: "",
    }
    table = Table(
        Column("parameter", no_wrap=True),
        "value",
        "unit",
        "because of",
        title=f"{found.facility}, a {found.facility_class.value}",
    )
    policies = (zone.policy if zone else None), registered.of_class(found.facility_class)
    for name, value, scope in deciding(list(explain(found, *policies))):
        because = f"{scope.value} {whose[scope]}".strip()
        table.add_row(*map(escape, (name, plain(value), PARAMETERS[name][1].unit, because)))
    console.print(table)


@app.command("set")
def set_values(
    values: Annotated[list[str], typer.Argument(metavar="NAME=VALUE...")],
    *,
    facility_class: Class = None,
    zone: Zone = None,
    facility: FacilityId = None,
    dry_run: DryRun = False,
) -> None:
    """Set parameters for a class, a zone or a facility; detectors follow at once.

    The nearest wins: facility, zone, class, default.

    Example: `eyes rules set cover.tilt_deg=12 cover.confirm_s=30 --class manhole_cover`.
    """
    try:
        wanted = Policy(rules=dict(map(read_value, values)))
        check(wanted, facility_class)
    except RuleError as error:
        raise FatalError(str(error)) from None
    scoped = Scoped(facility_class, zone, facility)
    _tell(configure(load_settings(), scoped, lambda policy: merged(policy, wanted), dry_run=dry_run), scoped, dry_run)


@app.command()
def unset(
    names: Annotated[list[str], typer.Argument(metavar="NAME...")],
    *,
    facility_class: Class = None,
    zone: Zone = None,
    facility: FacilityId = None,
    dry_run: DryRun = False,
) -> None:
    """Take back what was set. Example: `eyes rules unset cover.tilt_deg --zone segment:qiyi-1`."""
    scoped = Scoped(facility_class, zone, facility)
    try:
        changed = configure(load_settings(), scoped, lambda policy: without(policy, names), dry_run=dry_run)
    except RuleError as error:
        raise FatalError(f"{scoped}: {error}") from None
    _tell(changed, scoped, dry_run)


def _tell(changed: bool, scoped: Scoped, dry_run: bool) -> None:
    would = "would be " if dry_run else ""
    console.print(f"{scoped} {would}{'configured' if changed else 'as it was'}", highlight=False, markup=False)
