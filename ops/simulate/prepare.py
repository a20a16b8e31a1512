"""Make the water days once and keep them: ``python -m ops.simulate.prepare``; does nothing when they are there.

They live in ``$XDG_CACHE_HOME/digital-eyes/demo-<hash>/water.npz``; the hash is of the code that makes them, so a
change of the generator makes new ones and a checkout never feeds the days of another.

The file's arrays: ``time_s`` (from 0, step 300), ``pressure_kpa`` [steps, sensors], ``flow_m3h`` [steps, meters],
``pressure_names``, ``flow_names``, ``places`` ([sensors then meters, 2], unit square), ``truth`` (JSON text).
"""

import json
import os
import sys
import time
from pathlib import Path

import numpy as np

from ops.setup.layout import cache_dir
from ops.simulate.kept import SEED, water_file


def prepare() -> Path:
    """Make the water days unless they are there; returns the file.

    Raises:
        ImportError: ``wntr`` is not installed (the extra ``sim``).
    """
    path = water_file(cache_dir())
    if path.exists():
        return path
    from ops.simulate.water_days import simulate  # noqa: PLC0415 - heavy, and only needed once

    days = simulate(SEED)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{os.getpid()}-water.npz")  # appears whole or not at all, whoever else prepares
    np.savez_compressed(
        unfinished,
        time_s=days.time_s,
        pressure_kpa=days.pressure_kpa,
        flow_m3h=days.flow_m3h,
        pressure_names=np.array(days.pressure_names),
        flow_names=np.array(days.flow_names),
        places=np.array([days.places[name] for name in (*days.pressure_names, *days.flow_names)]),
        truth=np.array(json.dumps(days.bursts)),
    )
    unfinished.replace(path)
    return path


def main() -> None:
    """Say what is made, and where it is."""
    path = water_file(cache_dir())
    if path.exists():
        print(f"demo data: there already ({path})")
        return
    print("demo data: simulating six days of a water network with EPANET, about ten seconds ...", flush=True)
    began = time.monotonic()
    try:
        prepare()
    except ImportError as missing:
        sys.exit(f"demo data: {missing}; install the project with its extra `sim`: pip install -e '.[sim]'")
    print(f"demo data: done in {time.monotonic() - began:.0f} s ({path}, {path.stat().st_size / 1e6:.1f} MB)")


if __name__ == "__main__":
    main()
