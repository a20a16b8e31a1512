"""Commands that are imported when they are called: a worker that starts again has no time for those of others."""

from collections.abc import Iterator, MutableMapping
from importlib import import_module
from typing import Any, Final, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup

MARKUP: Final = "markdown"  # paragraphs wrap, examples stand a line each


class Entry(NamedTuple):
    """A command: what it is called, where it is, and what it says of itself in the list of commands."""

    name: str
    place: str
    """``module:attribute``, a function or an app of its own."""
    summary: str
    """The first paragraph of its help."""


class _Commands(MutableMapping[str, Any]):
    """Commands by name, each made when it is asked for."""

    def __init__(self, entries: tuple[Entry, ...]) -> None:
        self.entries: Final = {entry.name: entry for entry in entries}
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            self._made[name] = _load(self.entries[name])
        return self._made[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._made[name] = command

    def __delitem__(self, name: str) -> None:
        del self.entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)


class _LazyGroup(TyperGroup):
    """Lists its commands by their entries, and imports the one that is called."""

    entries: tuple[Entry, ...] = ()

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.commands: Any = _Commands(self.entries)

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - Typer's
        return list(self.commands)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - Typer's
        entry = self.commands.entries.get(cmd_name)
        return None if entry is None else TyperCommand(entry.name, help=entry.summary)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, listed, rest = super().resolve_command(ctx, args)
        return name, None if listed is None else self.commands[name], rest


def lazy_app(summary: str, *entries: Entry) -> typer.Typer:
    """An app of such commands."""

    class Group(_LazyGroup):
        pass

    Group.entries = entries
    app = typer.Typer(
        cls=Group,
        help=summary,
        no_args_is_help=True,
        rich_markup_mode=MARKUP,
        add_completion=False,
        pretty_exceptions_show_locals=False,  # a local variable may hold a secret
    )
    app.callback()(_nothing)
    return app


def _nothing() -> None:
    pass


def _load(entry: Entry) -> Any:
    module, _, attribute = entry.place.partition(":")
    found = getattr(import_module(module), attribute)
    around = typer.Typer(rich_markup_mode=MARKUP)
    if isinstance(found, typer.Typer):
        around.add_typer(found, name=entry.name)
    else:
        around.command(entry.name)(found)
    return typer.main.get_group(around).commands[entry.name]
