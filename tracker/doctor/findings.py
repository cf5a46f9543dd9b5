"""What an examination finds, and what it has to go by."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from tracker.clock import Clock
from tracker.config import AccountOff, AccountPlan, Settings
from tracker.routing import Routes


class Finding(NamedTuple):
    """One thing looked at. `remedy`: the command or the setting that mends it, '' where nothing needs mending."""

    level: Literal["ok", "note", "wrong"]
    subject: str
    message: str
    remedy: str = ""


def ok(subject: str, message: str) -> Finding:
    """All is well."""
    return Finding("ok", subject, message)


def note(subject: str, message: str, remedy: str = "") -> Finding:
    """Worth knowing."""
    return Finding("note", subject, message, remedy)


def wrong(subject: str, message: str, remedy: str) -> Finding:
    """To be mended."""
    return Finding("wrong", subject, message, remedy)


@dataclass(frozen=True, slots=True)
class Case:
    """The configuration, and the time."""

    settings: Settings
    ready: tuple[AccountPlan, ...]
    off: tuple[AccountOff, ...]
    routes: Routes
    time: Clock

    @property
    def now(self) -> datetime:
        """The time by the clock that the daemon has too."""
        return self.time.now()


def ago(moment: datetime, now: datetime) -> str:
    """How long ago an instant was, as people say it."""
    return f"{span(now - moment)} ago"


def span(time: timedelta) -> str:
    """A length of time in its largest whole unit."""
    seconds = max(0, int(time.total_seconds()))
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= 2 * size or (seconds >= size and unit != "day"):
            count = seconds // size
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{seconds} s"


def counted(count: int, one: str, many: str = "") -> str:
    """A number with its noun."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def size(count: float) -> str:
    """Bytes, as people say them."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:,.0f} {unit}" if unit == "B" else f"{count:,.1f} {unit}"
        count /= 1000
    return f"{count:,.1f} TB"
