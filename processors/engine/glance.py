"""Showing a message of a camera to those who see it."""

from collections.abc import Callable
from typing import Any, Final

from processors.engine.contract import QUIET, Clock, Outcome
from processors.engine.journal import Journal, Told
from processors.engine.slot import Slot
from runtime.errors import PoisonError
from schemas.camera import CameraEvent

_HEAVIER: Final = 3
"""A message of a camera is kept in the room of so many more readings: journals of them end sooner."""


def show(
    journal: Journal,
    seers: list[Slot],
    event: CameraEvent,
    clock: Clock,
    settle: Callable[[Journal, Slot], Any],
    take_in: Callable[[Slot, Outcome], Any],
    set_aside: Callable[[Slot, CameraEvent, Clock, PoisonError], Any],
) -> None:
    """Give each the message, and what it says to ``take_in``.

    Args:
        journal: of their zone, with room.
        seers: in the order in which they are asked.
        event: the message.
        clock: of now.
        settle: tells one what was kept from it.
        take_in: is given what they say.
        set_aside: is given who raised.
    """
    for slot in seers:
        if slot.dozes and journal.dozing:
            settle(journal, slot)
        try:
            outcome = slot.fold_noted(event, clock, 0)
        except PoisonError as error:
            set_aside(slot, event, clock, error)
            continue
        journal.entries.append(Told(slot, event, clock))
        journal.limit -= _HEAVIER
        if outcome is not QUIET:
            take_in(slot, outcome)
