"""The whole comparison, partition by partition."""

from collections.abc import Callable

from ops.past import Advance
from ops.verify.compare import Expected, Outcome, compare
from ops.verify.refold import BY_ZONE, Refold
from schemas.topics import CASE_INPUTS, EVENTS, QUARANTINE


def verify(
    refold: Refold,
    *,
    wanted: Callable[[bytes], bool] = lambda _value: True,
    advance: Advance = lambda _records: None,
) -> Outcome:
    """Hold everything that the log gives against everything that was published.

    Args:
        refold: the log.
        wanted: which output records are looked at.
        advance: told how many records were folded since it was told last.
    """
    outcome = Outcome()
    refused: list[Expected] = []
    published = {topic.name: refold.published(topic) for topic in BY_ZONE}
    for partition in range(EVENTS.partitions):
        said = refold.said(partition, advance)
        committed = refold.bounds.committed.get(partition, 0)
        for topic, values in published.items():
            outcome += compare(said[topic], values[partition], committed, ordered=True, wanted=wanted)
        refused += [Expected(0 if one.offset < committed else 1, one.value) for one in said[QUARANTINE.name]]
    everything = [value for values in refold.published(QUARANTINE).values() for value in values]
    outcome += compare(refused, everything, 1, ordered=False, wanted=wanted)
    return outcome + _correlated(refold, wanted, advance)


def _correlated(refold: Refold, wanted: Callable[[bytes], bool], advance: Advance) -> Outcome:
    """The same for the folds over findings, which read what the sequencer has put in order."""
    said: list[Expected] = []
    for partition in range(CASE_INPUTS.partitions):
        committed = refold.bounds.correlated.get(partition, 0)
        found = refold.correlated(partition, advance)
        said += [Expected(0 if one.offset < committed else 1, one.value) for one in found]
    return compare(said, refold.published_by_correlators(), 1, ordered=False, wanted=wanted)
