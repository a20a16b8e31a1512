"""How far each shard has received: never back, blind over gaps, and nobody waits for one that was retired."""

from fold_kit import LATENESS_MS, NOW, Scribe, batch, briefs, row, tick

from processors.engine.composed import PartitionFold
from processors.engine.frontier import Frontier
from schemas.clock import ShardRetired


def both(at_ms: int, s1: int, s2: int) -> Frontier:
    frontier = Frontier()
    frontier.advance(tick(at_ms, s1=s1, s2=s2))
    return frontier


def test_one_that_is_away_holds_its_own_frontier_back_until_it_is_retired() -> None:
    frontier = both(NOW, NOW, NOW)
    frontier.advance(tick(NOW + 1000, s1=NOW + 1000, s2=NOW))
    assert frontier.received == {"s1": NOW + 1000, "s2": NOW}
    assert [tuple(span) for span in frontier.retire("s2")] == [("s2", NOW, NOW + 1000)]
    frontier.advance(tick(NOW + 2000, s1=NOW + 2000))
    assert frontier.received == {"s1": NOW + 2000, "s2": NOW + 2000}


def test_a_tick_that_still_names_the_retired_one_does_not_bring_it_back() -> None:
    frontier = both(NOW, NOW, NOW)
    frontier.retire("s2")
    frontier.advance(tick(NOW + 2000, s1=NOW + 2000, s2=NOW))
    frontier.advance(tick(NOW + 3000, s1=NOW + 3000, s2=NOW))
    assert frontier.received == {"s1": NOW + 3000, "s2": NOW + 3000}


def test_one_that_comes_back_counts_again() -> None:
    frontier = both(NOW, NOW, NOW)
    frontier.retire("s2")
    frontier.advance(tick(NOW + 1000, s1=NOW + 1000, s2=NOW + 1500))
    frontier.advance(tick(NOW + 9000, s1=NOW + 9000, s2=NOW + 1500))
    assert frontier.received == {"s1": NOW + 9000, "s2": NOW + 1500}


def test_the_last_one_that_is_retired_stands_still() -> None:
    frontier = Frontier()
    frontier.advance(tick(NOW, s1=NOW))
    assert frontier.retire("s1") == []
    assert frontier.retire("nobody") == []
    assert frontier.received == {"s1": NOW}


def test_it_goes_on_the_same_from_its_state() -> None:
    frontier = both(NOW, NOW, NOW)
    frontier.retire("s2")
    frontier.step()
    again = Frontier(frontier.state)
    following = tick(NOW + 1000, s1=NOW + 1000, s2=NOW)
    assert again.advance(following) == frontier.advance(following)
    assert again.state == frontier.state


def test_zones_are_told_that_nothing_was_seen_of_the_retired_one() -> None:
    fold = PartitionFold([Scribe()], LATENESS_MS)
    fold.fold([tick(NOW, s1=NOW, s2=NOW), batch(row(1)), tick(NOW + 4000, s1=NOW + 4000, s2=NOW)])
    assert briefs(fold.fold([ShardRetired(shard="s2")])) == [f"scribe@z1: blind s2 {NOW} {NOW + 4000}"]


def test_a_tick_that_says_who_is_retired_says_it_to_a_fold_that_began_later() -> None:
    frontier = both(NOW, NOW, NOW)
    retired = tick(NOW + 1000, s1=NOW + 1000).model_copy(update={"retired": ("s2", "stranger")})
    assert [tuple(span) for span in frontier.advance(retired)] == [("s2", NOW, NOW + 1000)]
    assert frontier.advance(retired.model_copy(update={"received_to": {"s1": NOW + 2000}})) == []
    assert frontier.received == {"s1": NOW + 2000, "s2": NOW + 2000}
    assert frontier.state.retired == ["s2"]
