"""Quotas as carriers keep them: calls in a sliding window on the sandbox's clock, for each account.

Owns the counting. Knows no carrier.
"""

from collections import deque
from dataclasses import dataclass

#: Names of limits, as `--quota` and carriers' price lists write them, in seconds.
PERIODS = {"per_second": 1.0, "per_10_seconds": 10.0, "per_minute": 60.0, "per_hour": 3600.0, "per_day": 86400.0}


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `calls` in any `seconds`."""

    calls: int
    seconds: float

    @classmethod
    def read(cls, text: str) -> tuple["Limit", ...]:
        """Read `per_hour:60,per_second:0.2`; `none` is no limit. Raises ValueError that names what is wrong."""
        limits = []
        for part in () if text == "none" else text.split(","):
            name, _, amount = part.partition(":")
            if name not in PERIODS:
                raise ValueError(f"unknown limit {name!r}; expected one of {', '.join(PERIODS)}")
            calls = float(amount)
            if calls <= 0:
                raise ValueError(f"{name} must be above 0, got {amount}")
            seconds = PERIODS[name]
            limits.append(cls(1, seconds / calls) if calls < 1 else cls(int(calls), seconds))
        return tuple(limits)


@dataclass(slots=True)
class Window:
    """One limit of one account."""

    limit: Limit
    leeway: float
    """Seconds by which the window is shorter than the carrier says: a transport that takes 20 ms of the wall's
    time moves calls by minutes of a fast clock, and no client can help that."""
    calls: deque[float]
    most: int = 0
    """The most calls the client made in any window, refused ones included once."""

    def wait(self, now: float) -> float:
        """Seconds until a call is allowed; 0 = now."""
        span = max(0.0, self.limit.seconds - self.leeway)
        while self.calls and self.calls[0] <= now - span:
            self.calls.popleft()
        self.most = max(self.most, len(self.calls) + 1)
        if len(self.calls) < self.limit.calls:
            return 0.0
        return self.calls[0] + span - now


class Account:
    """One client's use of a service."""

    def __init__(self, limits: tuple[Limit, ...], leeway: float) -> None:
        self.windows = [Window(limit, leeway, deque()) for limit in limits]
        self.calls = 0
        self.token_calls = 0
        self.over_quota = 0

    def take(self, now: float) -> float:
        """Count a call at `now` (Unix time). 0 = allowed, else the seconds to wait; a refused call uses nothing up."""
        wait = max((window.wait(now) for window in self.windows), default=0.0)
        if wait > 0:
            self.over_quota += 1
        else:
            for window in self.windows:
                window.calls.append(now)
        return wait

    def stats(self) -> dict[str, object]:
        """Counters, for `/_sandbox/stats`."""
        return {
            "calls": self.calls,
            "tokenCalls": self.token_calls,
            "overQuota": self.over_quota,
            "windows": [
                {"limit": window.limit.calls, "seconds": window.limit.seconds, "most": window.most}
                for window in self.windows
            ],
        }
