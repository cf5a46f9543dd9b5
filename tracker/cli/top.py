"""`tracker top`: the daemon at work, live, from the database alone.

Owns the picture and the keys. Asks no carrier, changes nothing, and needs no daemon in the same machine's memory: what
it shows is what any process can read.
"""

import os
import select
import sys
import termios
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from statistics import median
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from carriers.sdk.status import FulfillmentStatus
from tracker.cli.console import COLOURS, coloured, plain, stdout
from tracker.cli.workspace import DEFAULT_CONFIG, ConfigFile, clock, existing_database, settings

if TYPE_CHECKING:
    from tracker.clock import Clock
    from tracker.config import AccountOff, AccountPlan, Settings
    from tracker.store.database import Database
    from tracker.store.gauges import Gauges
    from tracker.store.heartbeats import Kept
    from tracker.store.overview import News

#: News shown where there is room.
NEWS = 40
#: What ends it, beside Ctrl-C: q, and Escape alone (other keys begin with it).
QUIT, ESCAPE = "q", "\x1b"
#: Lines of the picture beside the tables' rows: two of the heading, three blank ones, three of the tables' own.
_FURNITURE = 8


def top(
    every: Annotated[float, typer.Option(help="Seconds between looks.", min=0.2, max=3600)] = 2.0,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Watch it work: accounts, quotas, prices, parcels by status, the outbox, freshness and the latest news.

    Reads the database alone. q or Ctrl-C ends it; where the output is no terminal it is shown once.

    Example: tracker top --every 5
    """
    from tracker.config import plan_accounts

    loaded = settings(config)
    view = View(existing_database(config), loaded, *plan_accounts(loaded), clock())
    console = stdout()
    if not (console.is_terminal and sys.stdin.isatty()):
        console.print(view.picture(console.width, None))
        return
    _watch(console, view, every)


def _watch(console: Console, view: "View", every: float) -> None:
    from rich.live import Live

    def picture() -> RenderableType:
        return view.picture(console.width, console.height)

    with _keys() as pressed, Live(picture(), console=console, screen=True, auto_refresh=False) as live:
        until = time.monotonic() + every
        size = console.size
        try:
            while not ends(pressed(min(0.2, every))):
                if time.monotonic() >= until or console.size != size:  # a window of another size is filled at once
                    until, size = time.monotonic() + every, console.size
                    live.update(picture(), refresh=True)
        except KeyboardInterrupt:
            pass


@contextmanager
def _keys() -> Iterator[Callable[[float], str]]:
    """Gives what was typed within so many seconds; the terminal is as before when the block is left."""
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)

    def pressed(seconds: float) -> str:
        return os.read(terminal, 64).decode(errors="replace") if select.select([terminal], [], [], seconds)[0] else ""

    try:
        tty.setcbreak(terminal)
        yield pressed
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def ends(typed: str) -> bool:
    """Whether what was typed is to end it."""
    return QUIT in typed.lower() or typed == ESCAPE


class _Seen(NamedTuple):
    """What one look at the database gave."""

    now: datetime
    gauges: "Gauges"
    lags: list[float]
    news: "list[News]"
    beats: "list[Kept]"


class View:
    """What is looked at, and the picture of it."""

    def __init__(
        self,
        database: "Database",
        settings: "Settings",
        ready: "list[AccountPlan]",
        off: "list[AccountOff]",
        time: "Clock",
    ) -> None:
        self._database = database
        self._settings = settings
        self._ready = ready
        self._off = off
        self._clock = time

    def picture(self, width: int, height: int | None) -> RenderableType:
        """Everything, in so many columns and lines; as many as it takes where `height` is None."""
        seen = self._look()
        accounts, parcels = self._accounts(seen, width), self._parcels(seen)
        parts: list[RenderableType] = [self._heading(seen), "", accounts, "", parcels, ""]
        room = 10 if height is None else height - accounts.row_count - parcels.row_count - _FURNITURE
        if room > 0 and seen.news:
            parts.append(_news(seen.news[:room], width))
        return Group(*parts)

    def _look(self) -> _Seen:
        from tracker.relay import NAME
        from tracker.store import gauges, heartbeats, overview

        now = self._clock.now()
        fixed = {plan.name: plan.quota.fixed for plan in self._ready} | {NAME: False}
        with self._database.read() as db:
            return _Seen(
                now,
                gauges.read(db, fixed, now),
                gauges.lag(db),
                overview.news(db, NEWS),
                heartbeats.kept(db),
            )

    def _heading(self, seen: _Seen) -> Text:
        found = seen.gauges
        words = Text(no_wrap=True, overflow="ellipsis")
        words.append(f"{seen.now:%Y-%m-%d %H:%M:%S} UTC", "bold")
        words.append("  ")
        words.append_text(self._daemon(seen))
        pushes = found.outbox
        words.append(f"\noutbox: {pushes.waiting - pushes.held:,} waiting")
        if pushes.oldest_at is not None:
            words.append(f" (oldest {_span((seen.now - pushes.oldest_at).total_seconds())})")
        if pushes.held:
            words.append(f", {pushes.held:,} held")
        words.append(", ")
        words.append(f"{pushes.dead:,} dead", "red" if pushes.dead else "")
        if seen.lags:
            late = seen.lags[min(len(seen.lags) - 1, int(0.9 * len(seen.lags)))]
            words.append(f"   news is {_span(median(seen.lags))} old when seen, one in ten {_span(late)}")
        if found.unmapped.codes:
            words.append(f"   {found.unmapped.codes:,} unknown codes", "yellow")
        return words

    def _daemon(self, seen: _Seen) -> Text:
        from tracker.store.presence import anybody

        if not anybody(self._database.path):
            return Text("no daemon runs", "red")
        failing = [beat.job for beat in seen.beats if beat.in_a_row]
        if failing:
            return Text(f"daemon: {', '.join(failing)} failing", "red")
        return Text("daemon runs", "green")

    def _accounts(self, seen: _Seen, width: int) -> Table:
        """Narrow terminals lose columns from the right."""
        from tracker.relay import NAME

        columns = ["account", "state", "calls/h", "calls/d", "due", "late", "price", "answered"]
        fitting = len(columns) if width >= 90 else 6 if width >= 60 else 4
        table = Table(*columns[:fitting], box=None, pad_edge=False, header_style="dim")
        for column in table.columns[2:]:
            column.justify = "right"
        for plan in self._ready:
            account = seen.gauges.accounts[plan.name]
            source = seen.gauges.sources.get(plan.name) or seen.gauges.sources.get(plan.code)
            state = account.state
            cells = [
                plain(plan.name),
                self._state(state is not None and state.is_paused(seen.now), state.paused_reason if state else ""),
                _of(account.used_hour, plan.quota.per_hour),
                _of(account.used_day, plan.quota.per_day),
                f"{source.due:,}" if source else "0",
                f"{source.late:,}" if source else "0",
                "–" if account.price is None else f"{account.price:.2g}",
                _ago(state.last_success_at if state else None, seen.now),
            ]
            table.add_row(*cells[:fitting])
        receiver = seen.gauges.accounts[NAME].state
        if receiver is not None:
            words = self._state(receiver.is_paused(seen.now), receiver.paused_reason)
            cells = ["order_protection", words, "", "", "", "", "", _ago(receiver.last_success_at, seen.now)]
            table.add_row(*cells[:fitting])
        if self._off:
            table.add_row(f"[dim]{len(self._off)} off: {plain(', '.join(one.name for one in self._off))}[/dim]")
        return table

    def _state(self, paused: bool, reason: str) -> str:
        return f"[red]paused[/red] [dim]{plain(reason)[:40]}[/dim]" if paused else "[green]up[/green]"

    def _parcels(self, seen: _Seen) -> Table:
        counts = seen.gauges.parcels
        most = max(counts.values(), default=1) or 1
        table = Table("parcels", "", "", box=None, pad_edge=False, header_style="dim")
        table.columns[1].justify = "right"
        for word in [*FulfillmentStatus, ""]:
            if count := counts.get(word, 0):
                status = FulfillmentStatus(word) if word else None
                bar = "█" * max(1, round(24 * count / most))
                colour = COLOURS.get(status, "") if status else "dim"
                name = coloured(status, "not known to the carrier yet")
                table.add_row(name, f"{count:,}", Text(bar, colour))
        if not table.row_count:
            table.add_row("none yet", "", "")
        return table


def _news(news: "list[News]", width: int) -> Table:
    table = Table("news", "", "", "", box=None, pad_edge=False, header_style="dim", width=width)
    for column in table.columns:
        column.no_wrap = True
        column.overflow = "ellipsis"
    table.columns[3].ratio = 1
    for one in news:
        table.add_row(
            f"{one.at:%H:%M:%S}", plain(one.fulfillment), coloured(FulfillmentStatus(one.status)), plain(one.reason)
        )
    return table


def _of(used: int, limit: int | None) -> str:
    """Calls made, of how many; red where none is left, yellow where few are."""
    if limit is None:
        return f"{used:,}"
    colour = "red" if used >= limit else "yellow" if used > 0.8 * limit else ""
    words = f"{used:,}/{limit:,}"
    return f"[{colour}]{words}[/{colour}]" if colour else words


def _ago(moment: datetime | None, now: datetime) -> str:
    return "never" if moment is None else f"{_span((now - moment).total_seconds())} ago"


def _span(seconds: float) -> str:
    """A length of time in a few characters."""
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f}{unit}"
    return f"{max(0.0, seconds):.0f}s"
