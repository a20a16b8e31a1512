from processors.engine.rewrites import newest_complete_rewrite
from schemas.model import from_ms
from schemas.registry import RegistryRewritten


def record(begin: int, end: int, partition: int = 3) -> RegistryRewritten:
    return RegistryRewritten(
        partition=partition,
        rewrite=f"{begin}",
        time=from_ms(0),
        generation=1,
        begin_offset=begin,
        end_offset=end,
        facilities=0,
    )


RECORDS = [record(900, 990, partition=4), record(500, 590), record(100, 190), record(500, 590), record(300, 390)]


def begins_at(**bounds: int) -> int | None:
    found = newest_complete_rewrite(RECORDS, 3, **bounds)
    return None if found is None else found.begin_offset


def test_the_newest_of_its_partition_in_whatever_order_they_come() -> None:
    assert begins_at() == 500


def test_only_one_that_the_log_still_holds_from_its_first_marker_on() -> None:
    assert begins_at(log_start=500) == 500
    assert begins_at(log_start=501) is None


def test_only_one_that_ends_before_the_given_offset() -> None:
    assert begins_at(before=591) == 500
    assert begins_at(before=590) == 300
    assert begins_at(before=390, log_start=101) is None


def test_none_where_nothing_was_rewritten() -> None:
    assert newest_complete_rewrite(RECORDS, 5) is None
