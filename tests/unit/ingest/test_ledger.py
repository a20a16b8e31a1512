from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from ingest.ledger import AckLedger
from tests.examples import examples


class LedgerMachine(RuleBasedStateMachine):
    """The ledger against a list of messages that says what is outstanding for each."""

    tickets = Bundle("tickets")

    def __init__(self) -> None:
        super().__init__()
        self.ledger = AckLedger()
        self.epoch = 0
        self.clock = 0.0
        self.line: list[dict] = []  # the current epoch, unacknowledged
        self.old: list[dict] = []
        self.acked: list[int] = []

    @rule(target=tickets, size=st.integers(0, 1000), qos0=st.booleans())
    def receive(self, size: int, qos0: bool) -> dict:
        self.clock += 1
        message = {
            "mid": 0 if qos0 else len(self.acked) + len(self.line) + 1,
            "size": size,
            "holds": 1,
            "at": self.clock,
        }
        message["ticket"] = self.ledger.received(message["mid"], size, self.clock)
        self.line.append(message)
        return message

    @rule(message=tickets)
    def hold(self, message: dict) -> None:
        if message["holds"] and (message in self.line or message in self.old):
            self.ledger.hold(message["ticket"])
            message["holds"] += 1

    @rule(message=tickets)
    def confirm(self, message: dict) -> None:
        self.ledger.confirm(message["ticket"])
        if message["holds"]:
            message["holds"] -= 1
        self.old = [one for one in self.old if one["holds"]]

    @rule(message=tickets, frontier=st.integers(0, 10**6))
    def mark(self, message: dict, frontier: int) -> None:
        if message in self.line and message["holds"]:
            self.ledger.mark(message["ticket"], frontier)
            message["frontier"] = frontier

    @rule()
    def release(self) -> None:
        expected, frontier = [], None
        while self.line and not self.line[0]["holds"]:
            message = self.line.pop(0)
            frontier = message.get("frontier", frontier)
            if message["mid"]:
                expected.append(message["mid"])
        released = self.ledger.release()
        assert released.mids == expected  # the longest confirmed prefix, in order of receipt
        assert released.frontier == frontier
        self.acked += expected

    @rule()
    def lose_connection(self) -> None:
        self.epoch += 1
        assert self.ledger.new_epoch() == self.epoch
        self.old += [one for one in self.line if one["holds"]]
        self.line = []

    @rule()
    def kafka_refuses(self) -> None:
        self.epoch += 1
        assert self.ledger.forget() == self.epoch
        for message in self.line + self.old:
            message["holds"] = 0
        self.line, self.old = [], []

    @rule(message=consumes(tickets))
    def late_confirmation(self, message: dict) -> None:
        """A ticket confirmed more often than it was held changes nothing."""
        if not message["holds"]:
            self.ledger.confirm(message["ticket"])

    @invariant()
    def memory_is_accounted(self) -> None:
        assert len(self.ledger) == len(self.line) + len(self.old)
        assert self.ledger.bytes == sum(one["size"] for one in self.line + self.old)

    @invariant()
    def age_is_of_the_oldest(self) -> None:
        expected = self.clock - self.line[0]["at"] if self.line else 0.0
        assert self.ledger.oldest_s(self.clock) == expected


LedgerMachine.TestCase.settings = settings(max_examples=examples(200), stateful_step_count=40, deadline=None)
TestLedger = LedgerMachine.TestCase


def test_acknowledgements_wait_for_the_first() -> None:
    ledger = AckLedger()
    first, second = ledger.received(1, 10, 0.0), ledger.received(2, 10, 0.0)
    ledger.confirm(second)
    assert ledger.release().mids == []
    ledger.confirm(first)
    assert ledger.release().mids == [1, 2]
    assert len(ledger) == ledger.bytes == 0


def test_old_epoch_is_never_acknowledged_but_counts() -> None:
    ledger = AckLedger()
    old = ledger.received(1, 10, 0.0)
    ledger.new_epoch()
    new = ledger.received(1, 5, 1.0)  # the broker uses the packet id again
    assert (len(ledger), ledger.bytes) == (2, 15)
    ledger.confirm(old)
    assert ledger.release().mids == []
    assert (len(ledger), ledger.bytes, ledger.stale) == (1, 5, 1)
    ledger.confirm(new)
    assert ledger.release().mids == [1]


def test_a_refused_record_confirms_nothing_afterwards() -> None:
    ledger = AckLedger()
    ticket = ledger.received(1, 10, 0.0)
    ledger.hold(ticket)
    ledger.confirm(ticket)
    ledger.forget()
    ledger.confirm(ticket)
    assert ledger.release().mids == []
    assert (len(ledger), ledger.bytes) == (0, 0)
