"""How the daemon's heartbeats do: which run, which hang, which fail.

Owns what is remembered of each between its runs, and when one counts as hung or stale. Ages are wall seconds by a
clock that is never put back; instants, for people and other processes, are the daemon's own clock's. Runs nothing.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from tracker.clock import Clock

#: Wall seconds after which a heartbeat is taken for hung and cut off; longer than any lawful run, which begins
#: nothing new after half a minute and then waits for a call with its retries.
HUNG = 180.0


@dataclass(slots=True)
class Beat:
    """One heartbeat. Ages count from its registration while there was no run."""

    name: str
    every: float
    """Wall seconds between its runs."""
    ended: float
    """When a run last came to an end of its own, on the steady clock."""
    succeeded: float
    """When one last ended well."""
    began: float | None = None
    """When the run under way began; None between runs."""
    began_at: datetime | None = None
    succeeded_at: datetime | None = None
    seconds: float = 0.0
    """How long the last run took."""
    done: int = 0
    failed: int = 0
    hung: int = 0
    in_a_row: int = 0
    """Runs that did not end well since the last one that did."""
    error: str = ""
    """Why the last run failed; '' where it ended well."""


class Heartbeats:
    """The heartbeats of one daemon."""

    def __init__(self, clock: Clock, steady: Callable[[], float] = time.monotonic) -> None:
        """`steady`: seconds by a clock that is never put back."""
        self._clock = clock
        self._steady = steady
        self._beats: dict[str, Beat] = {}

    def __iter__(self) -> Iterator[Beat]:
        return iter(self._beats.values())

    def add(self, name: str, every: float) -> None:
        """There is one from now on."""
        now = self._steady()
        self._beats[name] = Beat(name, every, now, now)

    def began(self, name: str) -> None:
        """A run began."""
        beat = self._beats[name]
        beat.began, beat.began_at = self._steady(), self._clock.now()

    def succeeded(self, name: str) -> int:
        """A run ended well; how many before it did not."""
        beat = self._end(name)
        before, beat.in_a_row, beat.error = beat.in_a_row, 0, ""
        beat.ended = beat.succeeded = self._steady()
        beat.succeeded_at = self._clock.now()
        beat.done += 1
        return before

    def failed(self, name: str, error: str) -> bool:
        """A run failed; whether that is news: the one before did not fail so."""
        beat = self._end(name)
        news, beat.error = beat.error != error, error
        beat.ended = self._steady()
        beat.failed += 1
        beat.in_a_row += 1
        return news

    def cut_off(self, name: str) -> bool:
        """A run hung and was cut off; whether the one before did not."""
        beat = self._end(name)
        news, beat.error = beat.error != "hung", "hung"
        beat.hung += 1
        beat.in_a_row += 1
        return news

    def hanging(self, patience: float = HUNG) -> dict[str, float]:
        """Those without a run that ended, well or not, for longer than that beyond their turn; for how many seconds."""
        return self._older(patience, lambda beat: beat.ended)

    def stale(self, patience: float = HUNG) -> dict[str, float]:
        """Those without a run that ended well for longer than that beyond their turn; for how many seconds."""
        return self._older(patience, lambda beat: beat.succeeded)

    def _older(self, patience: float, since: Callable[[Beat], float]) -> dict[str, float]:
        now = self._steady()
        ages = {beat.name: (now - since(beat), beat.every) for beat in self}
        return {name: age for name, (age, every) in ages.items() if age > every + patience}

    def _end(self, name: str) -> Beat:
        beat = self._beats[name]
        if beat.began is not None:
            beat.seconds = self._steady() - beat.began
        beat.began = None
        return beat
