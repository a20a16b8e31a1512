"""Makes message classes of a ``.proto`` file when it is loaded: no compiler, nothing generated, no version to match.

Only what ``sparkplug_b.proto`` uses is understood; anything else in the file is an error at once.
"""

import re
from pathlib import Path
from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_FIELD: Final = re.compile(r"(?:(optional|repeated) )?(\w+) (\w+) = (\d+);")
_BEGIN: Final = re.compile(r"(message|oneof) (\w+) \{")
_COMMENT: Final = re.compile(r"//[^\n]*")
_STATEMENT: Final = re.compile(r"[^;{}]*[;{}]")
_Field = descriptor_pb2.FieldDescriptorProto


def load(path: Path) -> dict[str, Any]:
    """The message classes of a file by their names.

    Raises:
        ValueError: a statement that is not understood.
    """
    file = descriptor_pb2.FileDescriptorProto(name=path.name, syntax="proto2")
    message: Any = None
    choice = False
    for raw in _STATEMENT.findall(_COMMENT.sub("", path.read_text("utf-8"))):
        statement = " ".join(raw.split())
        if begin := _BEGIN.fullmatch(statement):
            choice = begin[1] == "oneof"
            if choice:
                message.oneof_decl.add(name=begin[2])
            else:
                message = file.message_type.add(name=begin[2])
        elif field := _FIELD.fullmatch(statement):
            _add(message, field, file.package, choice=choice)
        elif statement == "}":
            choice = False
        elif statement.startswith("package "):
            file.package = statement[len("package ") : -1]
        elif statement != 'syntax = "proto2";':
            raise ValueError(f"{path.name}: not understood: {statement!r}")
    pool = descriptor_pool.DescriptorPool()  # our own: another copy of the format may be loaded beside this one
    pool.Add(file)
    found = pool.FindFileByName(path.name)
    return {
        name: message_factory.GetMessageClass(descriptor) for name, descriptor in found.message_types_by_name.items()
    }


def _add(message: Any, field: re.Match[str], package: str, *, choice: bool) -> None:
    repeated = field[1] == "repeated"
    added = message.field.add(
        name=field[3],
        number=int(field[4]),
        label=_Field.LABEL_REPEATED if repeated else _Field.LABEL_OPTIONAL,
    )
    kind = f"TYPE_{field[2].upper()}"
    if kind in _Field.Type.keys():  # noqa: SIM118 - an enumeration of protobuf, no dict
        added.type = _Field.Type.Value(kind)
    else:
        added.type = _Field.TYPE_MESSAGE
        added.type_name = f".{package}.{field[2]}"
    if choice:
        added.oneof_index = len(message.oneof_decl) - 1
