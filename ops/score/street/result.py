"""The figures of a run, as a table and as JSON."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ops.score.street.amiss import WRONG
from ops.score.street.matching import Matched, Verdict
from ops.simulate.city.truth import Truth
from processors.engine.contract import Detector
from schemas.anomaly import AnomalyKind
from schemas.rules import RULES


@dataclass(frozen=True, slots=True)
class KindScore:
    """Of one kind; ``unseen`` are matters that no working sensor could show, which count nowhere else."""

    truth: int
    found: int
    false: int
    near_misses: int
    near_false: int
    unseen: int
    delays_s: Sequence[float]
    detected: bool
    """Whether there is a detector of it."""

    @property
    def recall(self) -> float | None:
        """Found of those that are true."""
        return self.found / self.truth if self.truth else None

    @property
    def precision(self) -> float | None:
        """Right of what was said."""
        said = self.found + self.false
        return self.found / said if said else None

    def delay_s(self, share: float) -> float | None:
        """Below which this share of the delays lies (nearest rank)."""
        if not self.delays_s:
            return None
        ordered = sorted(self.delays_s)
        return ordered[max(0, math.ceil(share * len(ordered)) - 1)]

    def as_json(self) -> dict[str, Any]:
        """As the issue names them, and what else is known."""
        return {
            "truth": self.truth,
            "found": self.found,
            "precision": rounded(self.precision),
            "recall": rounded(self.recall),
            "delay_p50_s": rounded(self.delay_s(0.5), 1),
            "delay_p95_s": rounded(self.delay_s(0.95), 1),
            "false": self.false,
            "near_misses": self.near_misses,
            "near_misses_raised": self.near_false,
            "unseen": self.unseen,
            "detector": self.detected,
        }


def kinds_of(detectors: Iterable[Detector[Any]]) -> frozenset[AnomalyKind]:
    """Those that a rule of one of them makes."""
    names = {detector.name for detector in detectors}
    return frozenset(kind for rule in RULES.values() if rule.processor in names for kind in rule.kinds)


def scored(truths: Iterable[Truth], matched: Matched, detected: frozenset[AnomalyKind]) -> dict[AnomalyKind, KindScore]:
    """The figures of every kind that was planted or said, in the order of the table of kinds."""
    truths = list(truths)
    true, near, unseen = Counter[AnomalyKind](), Counter[AnomalyKind](), Counter[AnomalyKind]()
    for one in truths:
        if one.near_miss:
            near[one.kind] += 1
        elif one.visible and not one.apart:
            true[one.kind] += 1
        elif not one.apart:
            unseen[one.kind] += 1
    false, near_false = Counter[AnomalyKind](), Counter[AnomalyKind]()
    delays: dict[AnomalyKind, list[float]] = defaultdict(list)
    for finding, verdict, truth in matched.judged:
        if verdict is Verdict.RIGHT and truth is not None:
            delays[finding.kind].append((finding.raised_ms - truth.start_ms) / 1000)
        elif verdict in WRONG:
            false[finding.kind] += 1
            near_false[finding.kind] += verdict is Verdict.NEAR_MISS
    said = {one.found.kind for one in matched.judged if one.verdict in WRONG}
    return {
        kind: KindScore(
            true[kind],
            len(delays[kind]),
            false[kind],
            near[kind],
            near_false[kind],
            unseen[kind],
            delays[kind],
            kind in detected,
        )
        for kind in AnomalyKind
        if true[kind] or near[kind] or unseen[kind] or kind in said
    }


def summed(cities: Sequence[Mapping[AnomalyKind, KindScore]]) -> dict[AnomalyKind, KindScore]:
    """The figures of several cities together."""
    found: dict[AnomalyKind, KindScore] = {}
    for kind in AnomalyKind:
        of_kind = [city[kind] for city in cities if kind in city]
        if of_kind:
            found[kind] = KindScore(
                sum(one.truth for one in of_kind),
                sum(one.found for one in of_kind),
                sum(one.false for one in of_kind),
                sum(one.near_misses for one in of_kind),
                sum(one.near_false for one in of_kind),
                sum(one.unseen for one in of_kind),
                [delay for one in of_kind for delay in one.delays_s],
                of_kind[0].detected,
            )
    return found


def false_alarms(kinds: Mapping[AnomalyKind, KindScore], facilities: int, days: int) -> float:
    """False findings of all kinds per 1,000 facilities and day."""
    return sum(one.false for one in kinds.values()) / facilities * 1000 / days


def rounded(value: float | None, digits: int = 4) -> float | None:
    """None stays None."""
    return None if value is None else round(value, digits)
