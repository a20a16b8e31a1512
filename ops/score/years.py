"""Many labelled years under many settings: run in processes beside each other, judged leave one year out."""

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from ops.orphans import end_with_parent
from ops.score import calibration
from ops.score.battledim import PipeMap
from ops.score.calibration import PLAIN, Said
from ops.score.located import Scored, score, totals
from ops.score.ltown import read
from processors.leak.network import NetworkModel
from processors.leak.settings import SHIPPED, Settings
from runtime.errors import RetryableError

ALLOWED_A_MONTH: Final = 0.5
"""False alarms a month that cost nothing in the choice of settings; more of them cost their number."""

TRIED: Final[Mapping[str, Mapping[str, Any]]] = {
    "shipped": {},
    "evidence from 35": {"fast": 35.0, "slow": 35.0},
    "evidence from 45": {"fast": 45.0, "slow": 45.0},
    "any misfit of growth": {"misfit_slow": 1e9},
    "bursts from 3 m3/h": {"least_burst_m3h": 3.0},
    "places less sure": {"sure_fast": 0.8, "sure_late": 0.7, "sure_slow": 0.65},
    "no confirmation": {"confirm_ticks": 0},
}
"""What cross-validation chooses from, as differences from the set that ships."""


@dataclass(frozen=True, slots=True)
class Job:
    """One year under one set of settings."""

    folder: Path
    name: str
    settings: Settings
    fault_seed: int | None = None
    """With faults, and which; None: without."""


@dataclass(frozen=True, slots=True)
class Bench:
    """What every job needs: the model of the network, and the EPANET file that measures distances."""

    model: bytes
    inp: Path

    def run(self, job: Job) -> Scored:
        """Score one year, cold."""
        network, pipes = NetworkModel.from_bytes(self.model), PipeMap.read(self.inp)
        year = read(job.folder)
        return score(year, network, pipes, job.settings, fault_seed=job.fault_seed)


def run_all(bench: Bench, jobs: Sequence[Job], processes: int) -> Iterator[tuple[Job, Scored]]:
    """The jobs as they are done, in any order.

    Raises:
        RetryableError: a process was killed.
    """
    context = multiprocessing.get_context("spawn")  # nothing is forked under threads of NumPy
    with ProcessPoolExecutor(min(processes, len(jobs)), context, _begin) as pool:
        running = {pool.submit(bench.run, job): job for job in jobs}
        try:
            for done in as_completed(running):
                yield running[done], done.result()
        except BrokenProcessPool as error:
            raise RetryableError("a process of the score was killed: begin again, perhaps with --jobs 1") from error
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _begin() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a terminal asks all of us: there is nothing to keep
    end_with_parent()


def plain(settings: Settings) -> Settings:
    """The same, but probabilities are said as the search has them: to fit what they are worth."""
    return replace(settings, sure_of_burst=PLAIN, sure_of_growing=PLAIN)


def trials(folders: Sequence[Path], tried: Mapping[str, Mapping[str, Any]] = TRIED) -> list[Job]:
    """Every year under every set."""
    return [Job(folder, name, plain(replace(SHIPPED, **kw))) for name, kw in tried.items() for folder in folders]


def left_out(results: Mapping[tuple[str, str], Scored]) -> dict[str, Any]:
    """For each year the set that is best on the others, and what that set gives on it; the same for confidence.

    ``results``: by name of the set and of the year.
    """
    sets, years = list(dict.fromkeys(key[0] for key in results)), sorted({key[1] for key in results})
    chosen: list[dict[str, Any]] = []
    parts: list[tuple[list[Said], list[Said]]] = []
    for year in years:
        others = [other for other in years if other != year]
        best = max(sets, key=lambda name: worth([results[name, other].figures for other in others]))
        chosen.append({**results[best, year].figures, "chosen": best})
        parts.append(([said for other in others for said in results[best, other].said], results[best, year].said))
    return {
        "total": totals(chosen),
        "years": chosen,
        "sets": {name: totals([results[name, year].figures for year in years]) for name in sets},
        "confidence": calibration.compared(parts),
    }


def worth(years: Sequence[Mapping[str, Any]]) -> float:
    """Share of leaks found and of the perfect EUR, less what is above half a false alarm a month."""
    total = totals(years)
    extra = max(0.0, total["fp_per_month"] - ALLOWED_A_MONTH)
    return (float(total["new_found_pct"]) + float(total["eur_pct"])) / 100.0 - float(extra)


def with_faults(
    bench: Bench,
    folders: Sequence[Path],
    seeds: Sequence[int],
    processes: int,
    told: Callable[[Job, Scored, int, int], None],
) -> tuple[list[dict[str, Any]], dict[int, list[dict[str, Any]]]]:
    """Every year without faults, and with the faults of every seed."""
    jobs = [Job(folder, "shipped", SHIPPED, seed) for seed in (None, *seeds) for folder in folders]
    found: dict[tuple[int | None, str], dict[str, Any]] = {}
    for job, scored in run_all(bench, jobs, processes):
        found[job.fault_seed, job.folder.name] = scored.figures
        told(job, scored, len(found), len(jobs))

    def years(seed: int | None) -> list[dict[str, Any]]:
        return [found[seed, folder.name] for folder in folders]

    return years(None), {seed: years(seed) for seed in seeds}


def cross_validate(
    bench: Bench, folders: Sequence[Path], processes: int, told: Callable[[Job, Scored, int, int], None]
) -> dict[str, Any]:
    """Run all sets on all years and judge them; ``told`` each job that is done, how many are, and of how many."""
    jobs = trials(folders)
    done: dict[tuple[str, str], Scored] = {}
    for job, scored in run_all(bench, jobs, processes):
        done[job.name, job.folder.name] = scored
        told(job, scored, len(done), len(jobs))
    results = {key: done[key] for key in ((job.name, job.folder.name) for job in jobs)}  # in any order, the same
    found = left_out(results)
    found["shipped"] = [results["shipped", folder.name].figures for folder in folders]
    everything = [said for folder in folders for said in results["shipped", folder.name].said]
    found["confidence"]["fitted_on_all"] = calibration.fit_kinds(everything)
    return found
