"""``python3 -m ops.setup``: says what is missing and what it costs, then makes it, step by step."""

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path

from ops.setup.console import Progress, SetupError, say
from ops.setup.layout import Layout, layout
from ops.setup.lock import only_one
from ops.setup.steps import ALL_STEPS, CHECK_STEPS, Step, estimate
from ops.setup.tool import remove_tree


def main(argv: Sequence[str] | None = None) -> int:
    """Run the set-up and return the exit status: 0 done, 1 an error that was explained, 130 interrupted."""
    parser = argparse.ArgumentParser(prog="python3 -m ops.setup", description=__doc__)
    parser.add_argument("--only", choices=("all", "venv"), default="all", help="`venv`: what `make check` needs")
    parser.add_argument("--forget", action="store_true", help="delete the cache: what was fetched for any checkout")
    options = parser.parse_args(argv)
    steps = CHECK_STEPS if options.only == "venv" else ALL_STEPS
    here = layout()
    try:
        if options.forget:
            return _forget(here)
        if any(not step.is_done(here) for step in steps):
            with only_one(here.cache):
                _make(here, steps)
    except SetupError as error:
        say(f"\nset-up: {error}")
        return 1
    except OSError as error:
        say(f"\nset-up: {error}. Free some space or check the permissions, then run it again.")
        return 1
    except KeyboardInterrupt:
        say("\nset-up: interrupted; the next run goes on from here.")
        return 130
    return 0


def _forget(here: Layout) -> int:
    with only_one(here.cache):
        for path in here.cache.iterdir():
            if path.is_dir():
                say(f"deleting {path}")
                remove_tree(path)
    return 0


def _make(here: Layout, steps: Sequence[Step]) -> None:
    missing = [step for step in steps if not step.is_done(here)]
    if not missing:
        return  # the set-up that was waited for made it all
    cost = estimate(missing)
    say(
        f"Set-up: about {cost.download_mb} MB to download and {cost.disk_mb} MB of disk, once; "
        f"about {cost.minutes} minute{'s' if cost.minutes > 1 else ''}, less on a fast line. "
        f"Private to {here.venv} and {here.cache}; the host is not changed."
    )
    _check_space(here, missing)
    for step in missing:
        if not step.is_done(here):
            progress = Progress(step.name)
            step.run(here, progress)
            progress.done()


def _check_space(here: Layout, missing: Sequence[Step]) -> None:
    """Refuse before the first byte when it cannot fit, downloads included."""
    needs: dict[int, tuple[Path, int]] = {}
    for step in missing:
        place = here.checkout if step.in_checkout else here.cache
        device = place.stat().st_dev
        path, so_far = needs.get(device, (place, 0))
        needs[device] = (path, so_far + step.disk_mb + step.download_mb)
    for path, needed in needs.values():
        free = shutil.disk_usage(path).free // 1_000_000
        if free < needed:
            raise SetupError(
                f"{path} has {free} MB free and {needed} MB are needed. "
                "Free some, or move the cache with XDG_CACHE_HOME."
            )
