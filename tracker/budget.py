"""How many calls a carrier account may make now: quota windows, pace, pauses.

Owns the permits of one account in this process; the counts behind them live in the database, so that a
restart or a second daemon never overruns a quota. Knows no carrier's payload and no HTTP.
"""

import asyncio
import secrets
from collections import deque
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import Connection

from carriers.sdk.carrier import Quota
from carriers.sdk.exchange import Reply
from tracker.clock import Clock
from tracker.store import accounts, hours, quotas
from tracker.store.hours import CALLED, Done
from tracker.store.writer import Writer

#: Wall seconds by which a call may reach the carrier later than we sent it; kept between calls beyond the
#: pace itself, or late ones would crowd the next ones' second.
JITTER = 0.25
#: Wall seconds too short to sleep for; what is sent early by them is well within the jitter.
TICK = 0.001
#: Wall seconds by which a call may miss its turn (a token had to be fetched first, a connection was busy), part of
#: the jitter. One that is later moves all that follow it, or those that waited would go out together.
LATE = 0.1
#: Wall seconds ahead for which calls are granted; a turn further off is not worth a lease.
HORIZON = 2.0
#: Wall seconds after which a reservation's process is taken for dead.
LEASE = 300.0
#: Wholesale failures double the pause from the first to the last of these, in wall seconds.
FIRST_PAUSE, LONGEST_PAUSE = 30.0, 3600.0


class Settlement(Protocol):
    """Writes down the calls made, inside a transaction."""

    def __call__(self, tx: Connection, now: datetime, done: Done = CALLED) -> None:
        """`done`: what came of them, for the account's hour; calls and seconds are the budget's own to add."""


class QuotaSpent(Exception):
    """No call is left in the quota for now."""


class Budget:
    """Permits to call, for one account."""

    def __init__(self, name: str, carrier: str, quota: Quota, clock: Clock, writer: Writer) -> None:
        """`writer` runs the database work off the event loop."""
        self.name = name
        self._carrier = carrier
        self._quota = quota
        self._clock = clock
        self._writer = writer
        self._token = secrets.token_hex(8)
        self._turns: deque[datetime] = deque()
        self._made = 0
        self._seconds = 0.0
        self._turn = asyncio.Lock()
        self._next_at: datetime | None = None
        self._rests_until: datetime | None = None
        self._windows = {quotas.HOUR: quota.per_hour, quotas.DAY: quota.per_day}
        self._pace = _pace(quota, clock)

    def open(self, tx: Connection) -> None:
        """Make the account known to the database."""
        accounts.ensure(tx, self.name, self._carrier)

    def paused(self, tx: Connection, now: datetime) -> str | None:
        """Why the account must not be asked at present; None where it may."""
        state = accounts.state(tx, self.name)
        if state is None or not state.is_paused(now):
            return None
        return f"paused until {state.paused_until:%Y-%m-%d %H:%M:%S} UTC: {state.paused_reason}"

    def reserve(self, tx: Connection, want: int, now: datetime, *, spare: float = 0.0) -> quotas.Granted:
        """Reserve up to `want` calls, to be handed over with `admit`; leave a share of each window's untouched."""
        windows = {window: limit and quotas.spared(limit, spare) for window, limit in self._windows.items()}
        return quotas.reserve(
            tx,
            self.name,
            windows=windows,
            fixed=self._quota.fixed,
            pace=self._pace,
            horizon=self._clock.wall(HORIZON),
            want=want,
            token=self._token,
            now=now,
            expires_at=now + self._clock.wall(LEASE),
        )

    def admit(self, granted: quotas.Granted) -> None:
        """Turn what was reserved into permits."""
        self._turns.extend(granted.first_at + self._pace * index for index in range(granted.calls))

    async def turn(self) -> None:
        """Take a permit and wait for its turn. Raises QuotaSpent where none is left and none is granted."""
        async with self._turn:
            if self._rests_until is not None and self._clock.now() < self._rests_until:
                raise QuotaSpent(
                    f"{self.name}: by its own count no call is left until {self._rests_until:%H:%M:%S} UTC"
                )
            if not self._turns:
                now = self._clock.now()
                granted = await self._writer.run(lambda tx: self.reserve(tx, 1, now))
                if not granted.calls:
                    raise QuotaSpent(f"{self.name}: the quota is used up for now")
                self.admit(granted)
            now = self._clock.now()
            follows = min(self._next_at or now, now + self._pace)  # further off only where the clock was put back
            at = max(self._turns[0], follows, now - self._clock.wall(LATE))
            wait = (at - now).total_seconds() / self._clock.speed
            if wait > TICK:
                await asyncio.sleep(wait)
            self._turns.popleft()  # only now: a cancelled wait takes no permit with it
            self._next_at = at + self._pace

    def made(self, seconds: float = 0.0) -> None:
        """A call was answered, or failed, after so many wall seconds: either way the carrier counts it."""
        self._made += 1
        self._seconds += seconds

    def obey(self, reply: Reply) -> None:
        """Take the carrier's own count for what it is: where it says that no call is left, none is made."""
        if (seconds := reply.exhausted) is not None:
            self._rests_until = self._clock.now() + timedelta(seconds=seconds)

    def settlement(self, *, unused: bool = False) -> Settlement:
        """What to write: the calls made since the last settlement, and with `unused` the permits left over.

        Call in the event loop, run the result inside a transaction.
        """
        made, self._made = self._made, 0
        seconds, self._seconds = self._seconds, 0.0
        left, token, rests_until = 0, self._token, self._rests_until
        if unused:
            left = len(self._turns)
            self._turns.clear()
            # whatever a cancelled call left in the old reservation counts as made when that expires
            self._token = secrets.token_hex(8)

        def settle(tx: Connection, now: datetime, done: Done = CALLED) -> None:
            quotas.settle(tx, self.name, self._windows, token, made=made, unused=left, now=now)
            hours.count(tx, self.name, done._replace(calls=made, seconds=seconds), now)
            if unused:
                quotas.close_if_empty(tx, token)
            if rests_until is not None and rests_until > now:
                accounts.rest(tx, self.name, rests_until, "by the carrier's own count no call is left")

        return settle

    def pause(self, tx: Connection, now: datetime, reason: str, retry_after: float | None = None) -> bool:
        """Stop asking: until `retry_after` seconds from now where the carrier told, else ever longer.

        Whether this is the first failure after a success.
        """
        told = timedelta(seconds=min(retry_after, 2 * quotas.DAY)) if retry_after else None
        wall = self._clock.wall
        first, longest = wall(FIRST_PAUSE), wall(LONGEST_PAUSE)
        until = accounts.back_off(tx, self.name, now=now, reason=reason, first=first, longest=longest, told=told)
        return until is not None


def _pace(quota: Quota, clock: Clock) -> timedelta:
    """Least time between two calls so that no span of the limit's length holds one too many."""
    if quota.per_second is None:
        return timedelta(0)
    calls, seconds = (quota.per_second, 1.0) if quota.per_second >= 1 else (1.0, 1 / quota.per_second)
    return (timedelta(seconds=seconds) + clock.wall(JITTER)) / calls
