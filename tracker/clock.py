"""What time it is: the wall clock, or a simulated one that runs faster from an origin.

Owns the only call that asks the machine for the time, and the environment variable through which several
processes share one simulated clock. Knows nothing of what the time is needed for.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

VARIABLE = "TRACKER_SIMULATED_CLOCK"
FORM = "<simulated origin>@<wall origin>x<speed>, both as ISO 8601 with an offset"


@dataclass(frozen=True, slots=True)
class Clock:
    """A clock. `Clock()` is the wall clock; `Clock.simulated` makes one that runs `speed` times faster."""

    speed: float = 1.0
    """Clock seconds in a wall second."""
    origins: tuple[datetime, datetime] | None = None
    """What a simulated clock showed, and the wall time at which it did; None for the wall clock."""

    @classmethod
    def simulated(cls, origin: datetime, speed: float) -> Self:
        """A clock that shows `origin` (aware) now and runs `speed` times faster. Raises ValueError."""
        if origin.tzinfo is None:
            raise ValueError(f"the origin of a simulated clock needs an offset: {origin.isoformat()}")
        return cls(_checked(speed), (origin.astimezone(UTC), datetime.now(UTC)))

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """The simulated clock that TRACKER_SIMULATED_CLOCK describes, or the wall clock where it is not set.

        Raises ValueError, naming the variable and the form expected, for a value that describes none.
        """
        value = environ.get(VARIABLE, "").strip()
        if not value:
            return cls()
        shown, _, rest = value.partition("@")
        wall, _, speed = rest.rpartition("x")
        try:
            return cls(_checked(float(speed)), (_instant(shown), _instant(wall)))
        except ValueError as error:
            raise ValueError(f"{VARIABLE}={value!r} is no clock ({error}); expected {FORM}") from None

    def environment(self) -> dict[str, str]:
        """The variable that makes another process share this clock; empty for the wall clock."""
        if self.origins is None:
            return {}
        shown, wall = self.origins
        return {VARIABLE: f"{shown.isoformat()}@{wall.isoformat()}x{self.speed!r}"}

    def now(self) -> datetime:
        """The time on this clock, aware, in UTC."""
        now = datetime.now(UTC)
        if self.origins is None:
            return now
        shown, wall = self.origins
        return shown + (now - wall) * self.speed

    def wall(self, seconds: float) -> timedelta:
        """How much time this clock shows for so many wall seconds; leases and time-outs are wall time."""
        return timedelta(seconds=seconds * self.speed)


def _checked(speed: float) -> float:
    if not (math.isfinite(speed) and speed > 0):
        raise ValueError(f"the speed of a clock is a number above 0, not {speed}")
    return float(speed)


def _instant(text: str) -> datetime:
    moment = datetime.fromisoformat(text.strip())
    if moment.tzinfo is None:
        raise ValueError(f"{text.strip()!r} has no offset")
    return moment.astimezone(UTC)
