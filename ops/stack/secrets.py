"""The passwords of a local stack: made once, kept in ``secrets.json`` for this user alone."""

import secrets
from dataclasses import asdict, dataclass, fields
from json import dumps, loads
from pathlib import Path

from ops.stack.errors import StackError
from ops.stack.files import write_private
from ops.stack.paths import StackPaths


@dataclass(frozen=True, repr=False)
class StackSecrets:
    """A password for every account; the field's name says whose. No ``repr``, so that no log shows them."""

    mqtt_ingest: str
    mqtt_device: str
    mqtt_feeder: str
    mqtt_monitor: str
    postgres_superuser: str
    postgres_eyes: str
    postgres_reader: str


def load(stack_dir: Path) -> StackSecrets:
    """The passwords of the stack in ``stack_dir``.

    Raises:
        StackError: That stack has never been up, or its file is damaged.
    """
    path = StackPaths(stack_dir).secrets
    try:
        return StackSecrets(**loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise StackError(f"there is no stack in {stack_dir} yet: eyes stack up") from error
    except (ValueError, TypeError) as error:
        raise StackError(f"{path} is damaged ({error}): eyes stack wipe makes a new stack") from error


def load_or_make(stack_dir: Path) -> StackSecrets:
    """The passwords of a stack, made now if it has none.

    Raises:
        StackError: The file is damaged.
    """
    path = StackPaths(stack_dir).secrets
    if not path.exists():
        made = StackSecrets(**{field.name: secrets.token_urlsafe(24) for field in fields(StackSecrets)})
        write_private(path, dumps(asdict(made), indent=2) + "\n")
    return load(stack_dir)
