"""What a replay has done so far, on disk: an interrupted one goes on where it was, looking at the same log.

A folder for each question holds ``plan.json`` (how far the log reached when the replay began) and ``part-NN.json`` for
each partition that is done. When all are, the plan goes, and so do those parts to which the log may still add.
"""

import os
import shutil
from pathlib import Path

import msgspec

from ops.past import Bounds
from ops.replay.part import Part
from runtime.errors import FatalError


class Work:
    """The folder of one question."""

    def __init__(self, folder: Path) -> None:
        """Nothing is written before :meth:`begin`."""
        self.folder = folder

    def begin(self, now: Bounds, *, fresh: bool) -> Bounds:
        """The bounds of the replay that was interrupted, else these.

        Raises:
            FatalError: the folder cannot be written.
        """
        try:
            if fresh and self.folder.exists():
                shutil.rmtree(self.folder)
            self.folder.mkdir(parents=True, exist_ok=True)
            plan = self.folder / "plan.json"
            if plan.exists():
                return msgspec.json.decode(plan.read_bytes(), type=Bounds)
            for part in self.parts().values():
                if not part.final:  # of another replay of the same question, which finished while this one ran
                    self._path(part).unlink()
            _write(plan, msgspec.json.encode(now))
        except (OSError, ValueError) as error:
            raise FatalError(
                f"{self.folder}: {error}; begin anew with --fresh, or elsewhere with --work DIR"
            ) from error
        return now

    @property
    def interrupted(self) -> bool:
        """Whether there is a replay that was begun and not finished."""
        return (self.folder / "plan.json").exists()

    def parts(self) -> dict[int, Part]:
        """The partitions that are done.

        Raises:
            FatalError: a file is none of ours.
        """
        try:
            found = [msgspec.json.decode(p.read_bytes(), type=Part) for p in sorted(self.folder.glob("part-*.json"))]
        except (OSError, ValueError) as error:
            raise FatalError(
                f"{self.folder}: {error}; begin anew with --fresh, or elsewhere with --work DIR"
            ) from error
        return {part.partition: part for part in found}

    def keep(self, part: Part) -> None:
        """Write down a partition that is done.

        Raises:
            FatalError: the folder cannot be written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)  # a twin that finished may have taken it away
            _write(self._path(part), msgspec.json.encode(part))
        except OSError as error:
            raise self._unusable(error) from error

    def finish(self, parts: dict[int, Part]) -> None:
        """All are done: keep only what will still be so when the same is asked again."""
        for part in parts.values():
            if not part.final:
                self._path(part).unlink(missing_ok=True)
        (self.folder / "plan.json").unlink(missing_ok=True)
        if self.folder.is_dir() and not any(self.folder.iterdir()):
            self.folder.rmdir()

    def _unusable(self, error: Exception) -> FatalError:
        return FatalError(f"{self.folder}: {error}; begin anew with --fresh, or elsewhere with --work DIR")

    def _path(self, part: Part) -> Path:
        return self.folder / f"part-{part.partition:02}.json"


def _write(path: Path, data: bytes) -> None:
    """Appears whole or not at all."""
    unfinished = path.with_suffix(f".{os.getpid()}")
    unfinished.write_bytes(data)
    unfinished.replace(path)
