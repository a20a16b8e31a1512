"""Where a feed begins on a stack that may have been fed before: its clock never goes back."""

from typing import Final

from kafka.errors import KafkaError

from ops.explained import reach_kafka
from ops.logreader import read_last
from ops.simulate.model import DAY_MS, HOUR_MS
from runtime.settings import KafkaSettings
from schemas.clock import Tick
from schemas.model import to_ms
from schemas.topics import EVENTS, TICKS

UTC_OFFSET_MS: Final = 8 * HOUR_MS
RECORDS: Final = 200  # of each partition; ticks come many times a second when feeding


def after_last_tick(settings: KafkaSettings, otherwise_ms: int) -> int:
    """The first midnight of the city after the newest tick in the log, or ``otherwise_ms`` on a fresh stack.

    Raises:
        FatalError: nobody listens where Kafka should be.
    """
    reach_kafka(settings)
    try:
        # Behind the newest ticks of the events there may be thousands of registrations: a daily rewrite.
        entries = [one for topic in (TICKS, EVENTS) for one in read_last(settings, topic, RECORDS * topic.partitions)]
    except KafkaError:
        return otherwise_ms  # no topics yet: nothing was ever fed
    newest = max((to_ms(e.event.data.time) for e in entries if e.event and isinstance(e.event.data, Tick)), default=0)
    if newest == 0:
        return otherwise_ms
    days = (newest + UTC_OFFSET_MS) // DAY_MS + 1
    return days * DAY_MS - UTC_OFFSET_MS
