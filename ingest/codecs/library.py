"""The codecs in a folder, and which one is for a device. No message names a file: makes are looked up in what is there.

Understood are ``{vendor}/{model}.js``, ``{model or profile}.js``, and the layout of the LoRaWAN Device Repository:
``vendor/{vendor}/{model}.yaml`` that names a codec, whose ``{codec}-codec.yaml`` names its JavaScript file.
Source: https://github.com/TheThingsNetwork/lorawan-devices#payload-codecs
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from ingest.meaning.fields import Who, key

_FILES_MAX: Final = 50_000
_SOURCE_MAX: Final = 1024 * 1024
_CODEC_YAML: Final = "-codec.yaml"


class LibraryError(ValueError):
    """A folder of codecs that cannot be read; the message says which file and why."""


class Codec(NamedTuple):
    """One script."""

    number: int
    name: str
    """Its path below the folder, for people."""
    source: str


class Described(NamedTuple):
    """What a ``-codec.yaml`` says: a script and its examples."""

    file: Path
    script: Path
    examples: list[Any]


class Library:
    """All codecs of a folder, read once."""

    def __init__(self, folder: Path) -> None:
        """Read the folder.

        Raises:
            LibraryError: no folder, or a description in it that cannot be read.
        """
        if not folder.is_dir():
            raise LibraryError(f"{folder}: no such folder of codecs")
        self._folder = folder.resolve()
        self._scripts: dict[Path, Codec] = {}
        self._by_make: dict[tuple[str, str], Codec] = {}
        self._by_model: dict[str, set[Codec]] = {}
        self.described: list[Described] = []
        files = self._files()
        for file in files:
            if file.suffix == ".js":
                self._enter(self._vendor(file), file.stem, self._script(file))
        for file in files:
            if file.name.endswith(_CODEC_YAML):
                self._describe(file)
        for file in files:
            if file.suffix == ".yaml" and not file.name.endswith(_CODEC_YAML):
                self._model(file)

    def __iter__(self) -> Iterator[Codec]:
        return iter(sorted(self._scripts.values(), key=lambda codec: codec.name))

    def makes(self, codec: Codec) -> list[str]:
        """For which vendors and models a codec is used, in folded spelling."""
        return sorted("/".join(filter(None, make)) for make, one in self._by_make.items() if one is codec)

    def find(self, who: Who, profile: str = "") -> Codec | None:
        """The codec for a make of device: by vendor and model, by profile, or by a model that only one vendor has."""
        if who.model:
            found = self._by_make.get((who.vendor, who.model))
            if found is not None:
                return found
        found = self._by_make.get(("", key(profile))) if profile else None
        if found is None and who.model and not who.vendor:
            same = self._by_model.get(who.model, set())
            found = next(iter(same)) if len(same) == 1 else None
        return found

    def at(self, script: Path) -> Codec:
        """The codec of a file of this folder."""
        return self._script(script)

    def _files(self) -> list[Path]:
        found: list[Path] = []
        for file in sorted(self._folder.rglob("*")):
            if file.suffix in (".js", ".yaml") and file.is_file() and self._inside(file):
                found.append(file)
                if len(found) > _FILES_MAX:
                    raise LibraryError(f"{self._folder}: more than {_FILES_MAX} files")
        return found

    def _inside(self, file: Path) -> bool:
        return file.resolve().is_relative_to(self._folder)

    def _vendor(self, file: Path) -> str:
        """The folder a file lies in; of the repository's layout the one below ``vendor``."""
        parts = file.relative_to(self._folder).parts[:-1]
        if parts[:1] == ("vendor",):
            parts = parts[1:]
        return parts[0] if parts else ""

    def _script(self, file: Path) -> Codec:
        file = file.resolve()
        codec = self._scripts.get(file)
        if codec is None:
            if file.stat().st_size > _SOURCE_MAX:
                raise LibraryError(f"{file}: larger than {_SOURCE_MAX} bytes")
            try:
                source = file.read_text(encoding="utf-8-sig")
            except (OSError, UnicodeDecodeError) as error:
                raise LibraryError(f"{file}: cannot be read: {error}") from None
            codec = Codec(len(self._scripts), str(file.relative_to(self._folder)), source)
            self._scripts[file] = codec
        return codec

    def _enter(self, vendor: str, model: str, codec: Codec) -> None:
        make = key(vendor), key(model)
        self._by_make[make] = codec
        self._by_model.setdefault(make[1], set()).add(codec)

    def _describe(self, file: Path) -> None:
        said = _yaml(file)
        decoder = said.get("uplinkDecoder")
        name = decoder.get("fileName") if isinstance(decoder, dict) else None
        if not isinstance(name, str):
            return  # a codec for downlinks only
        script = file.parent / name
        if not (self._inside(script) and script.is_file()):
            raise LibraryError(f"{file}: uplinkDecoder.fileName {name!r} is no file of this folder")
        examples = decoder.get("examples") if isinstance(decoder, dict) else None
        self.described.append(Described(file, script, examples if isinstance(examples, list) else []))
        self._enter(self._vendor(file), file.name.removesuffix(_CODEC_YAML), self._script(script))

    def _model(self, file: Path) -> None:
        """A device of the repository names its codec in each of its profiles, and they agree."""
        said = _yaml(file)
        versions = said.get("firmwareVersions")
        for version in versions if isinstance(versions, list) else []:
            profiles = version.get("profiles") if isinstance(version, dict) else None
            for profile in profiles.values() if isinstance(profiles, dict) else []:
                name = profile.get("codec") if isinstance(profile, dict) else None
                codec = self._by_make.get((key(self._vendor(file)), key(name))) if isinstance(name, str) else None
                if codec is not None:
                    self._enter(self._vendor(file), file.stem, codec)


def _yaml(file: Path) -> dict[str, Any]:
    try:
        said = yaml.load(file.read_text(encoding="utf-8-sig"), Loader=_Loader)  # noqa: S506 - a safe loader
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValueError, RecursionError) as error:
        raise LibraryError(f"{file}: {error}") from None
    return said if isinstance(said, dict) else {}


_Loader: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
