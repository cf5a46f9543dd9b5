"""Many parcels and one account: calls that take 30 numbers, and quotas that all parcels share.

Owns a clock of quarter hours over all lives at once. Knows the tracker's policy by its public functions.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush, nlargest
from math import ceil, exp, log
from typing import NamedTuple

from simulation.polling import CADENCE, Delays, Next, delays, moment, situation
from simulation.world import LABELS_HOURS, START, Life
from tracker.cadence import Cadence, Count, Hazards, Price, Situation, Window, fires, next_look, worth
from tracker.cadence.outlook import Outlook
from tracker.cadence.patience import is_quiet
from tracker.cadence.policy import standing
from tracker.cadence.price import start, step
from tracker.cadence.stages import Stage

TICK = 0.25
BATCH = 30
_STALE = CADENCE.quiet.total_seconds() / 3600


@dataclass(slots=True)
class Parcel:
    """A life under way."""

    life: Life
    newest: int = 0
    looked: float = 0.0
    outlook: Outlook | None = None
    quiet_until: float = 0.0
    waited: bool = False

    def situation(self) -> Situation:
        """What the tracker knows."""
        return situation(self.life, self.newest, self.looked)


@dataclass(slots=True)
class Field:
    """All lives, and what was seen of them."""

    lives: Sequence[Life]
    seen: list[tuple[float, bool]] = field(default_factory=list)
    looks: int = 0

    def look(self, parcel: Parcel, now: float) -> bool:
        """Look at a parcel; whether it lives on."""
        events = parcel.life.events
        self.looks += 1
        parcel.looked = now
        parcel.waited = False
        while parcel.newest + 1 < len(events) and events[parcel.newest + 1].visible <= now:
            parcel.newest += 1
            event = events[parcel.newest]
            self.seen.append((now - event.visible, event.valuable))
        return events[parcel.newest].stage is not Stage.ENDED

    def drop(self, parcel: Parcel) -> None:
        """After 30 days nobody asks any more; what was not seen was late by all the time left."""
        rest = parcel.life.events[parcel.newest + 1 :]
        self.seen.extend((max(0.0, parcel.life.until - event.visible), event.valuable) for event in rest)

    def delays(self, calls: int) -> Delays:
        """The figures so far."""
        return delays(calls / len(self.lives), self.seen)


def sweep(lives: Sequence[Life], interval: float) -> Delays:
    """Ask for everything at once, every `interval` hours, 30 numbers a call."""
    yard = Field(lives)
    waiting = deque(sorted(lives, key=lambda life: life.label))
    live: list[Parcel] = []
    calls, now = 0, START
    while waiting or live:
        while waiting and waiting[0].label <= now:
            live.append(Parcel(waiting.popleft()))
        calls += ceil(len(live) / BATCH)
        kept = []
        for parcel in live:
            if parcel.life.until <= now:
                yard.drop(parcel)
            elif yard.look(parcel, now):
                kept.append(parcel)
        live = kept
        now += interval
    return yard.delays(calls)


def batches(lives: Sequence[Life], price: float, hazards: Hazards) -> Delays:
    """A call goes out when its 30 most valuable passengers together are worth the price."""
    yard = Field(lives)
    waiting = deque(sorted(lives, key=lambda life: life.label))
    live: list[Parcel] = []
    calls, now = 0, START
    while waiting or live:
        while waiting and waiting[0].label <= now:
            parcel = Parcel(waiting.popleft(), looked=now)
            _foresee(parcel, now, hazards)
            live.append(parcel)
        worths = [parcel.outlook.lag(now - parcel.looked) if parcel.outlook else 0.0 for parcel in live]
        ranks: list[float] | None = None
        ended: set[int] = set()
        while fires(worths, BATCH, price):
            calls += 1
            ranks = ranks or [_rank(*pair, now, price) for pair in zip(live, worths, strict=True)]
            for index in nlargest(BATCH, range(len(live)), key=ranks.__getitem__):
                if index not in ended and not yard.look(live[index], now):
                    ended.add(index)
                elif index not in ended:
                    _foresee(live[index], now, hazards)
                worths[index] = ranks[index] = 0.0
        kept = []
        for index, parcel in enumerate(live):
            if parcel.life.until <= now and index not in ended:
                yard.drop(parcel)
            elif index not in ended:
                kept.append(parcel)
        live = kept
        now += TICK
    return yard.delays(calls)


def _foresee(parcel: Parcel, now: float, hazards: Hazards) -> None:
    state = parcel.situation()
    parcel.outlook = None
    if is_quiet(state, moment(now), CADENCE):
        at = next_look(state, moment(now), cadence=CADENCE, hazards=hazards, price=1.0).at
        parcel.quiet_until = at.timestamp() / 3600 if at is not None else parcel.life.until
    else:
        parcel.outlook = hazards.outlook(standing(state, moment(now)))


def _rank(parcel: Parcel, worth_now: float, now: float, price: float) -> float:
    """A claim to a seat: the worth, or an even share of the price for whom nobody looked at in long.

    Quiet parcels and those of little worth ride along, and are never the reason for a call.
    """
    overdue = now >= parcel.quiet_until if parcel.outlook is None else now - parcel.looked >= _STALE
    return max(worth_now, price / BATCH) if overdue else worth_now


class Spent(NamedTuple):
    """How a shared quota fared."""

    delays: Delays
    used: float
    """Share of the quota used on days 5 to 30."""


@dataclass(slots=True)
class Quota:
    """A hard limit in windows on the clock."""

    window: Window
    """DAY or HOUR."""
    limit: int
    used: int = 0
    total: int = 0
    """On days 5 to 30."""
    began: int = -1

    @property
    def hours(self) -> float:
        """The window's length."""
        return 24.0 if self.window is Window.DAY else 1.0

    def turn(self, now: float) -> None:
        """Begin a new window where one is due."""
        if int(now // self.hours) != self.began:
            self.began, self.used = int(now // self.hours), 0

    def take(self, now: float) -> bool:
        """Take a call if there is one left."""
        if self.used >= self.limit:
            return False
        self.used += 1
        self.total += START + 96 <= now < START + LABELS_HOURS
        return True

    def share(self) -> float:
        """Of what days 5 to 30 offered."""
        return self.total / (self.limit * (LABELS_HOURS - 96) / self.hours)


def first_come(lives: Sequence[Life], quota: Quota, following: Next) -> Spent:
    """Whoever is due longest is asked first, until the quota is gone; intervals as they are configured."""
    yard = Field(lives)
    due = [(life.label, life.number, Parcel(life)) for life in sorted(lives, key=lambda life: life.label)]
    now, calls = START, 0
    while due:
        quota.turn(now)
        while due and due[0][0] <= now:
            parcel = due[0][2]
            if parcel.life.until <= now:
                yard.drop(heappop(due)[2])
                continue
            if not quota.take(now):
                break
            heappop(due)
            calls += 1
            if yard.look(parcel, now):
                heappush(due, (following(parcel.life, parcel.newest, now), parcel.life.number, parcel))
        now += TICK
    return Spent(yard.delays(calls), quota.share())


def by_price(
    lives: Sequence[Life], quota: Quota, hazards: Hazards, first_price: float, cadence: Cadence = CADENCE
) -> Spent:
    """The tracker's policy: due by the price found online, the most valuable first where the quota binds."""
    yard = Field(lives)
    due = [(life.label, life.number, Parcel(life)) for life in sorted(lives, key=lambda life: life.label)]
    price: Price = start(first_price, moment(START), quota.limit / quota.hours)
    now, calls = START, 0
    while due:
        quota.turn(now)
        ready: list[tuple[float, int, Parcel]] = []
        while due and due[0][0] <= now:
            _, number, parcel = heappop(due)
            if parcel.life.until <= now:
                yard.drop(parcel)
                continue
            again, value = _judge(parcel, now, price.value, hazards, cadence)
            if again > now:
                heappush(due, (again, number, parcel))
            else:
                ready.append((-value, number, parcel))
        wanted = sum(not parcel.waited for _, _, parcel in ready)
        for _, number, parcel in sorted(ready, key=lambda each: each[0]):
            if not quota.take(now):
                parcel.waited = True
                heappush(due, (now + TICK, number, parcel))
                continue
            calls += 1
            if yard.look(parcel, now):
                again, _ = _judge(parcel, now, price.value, hazards, cadence)
                heappush(due, (again, number, parcel))
        count = Count(quota.window, quota.used, quota.limit)
        now += TICK
        price = step(price, moment(now), wanted=wanted, counts=(count,), lowest=cadence.price)
    return Spent(yard.delays(calls), quota.share())


def _judge(parcel: Parcel, now: float, price: float, hazards: Hazards, cadence: Cadence) -> tuple[float, float]:
    """When the parcel is to be judged again, `now` at the earliest, and what a look now is worth."""
    if not parcel.looked:
        return now, float("inf")
    state = parcel.situation()
    at = next_look(state, moment(now), cadence=cadence, hazards=hazards, price=price).at
    if at is None:
        return parcel.life.until, 0.0
    again = at.timestamp() / 3600
    if again > now:
        return min(again, now + 6.0), 0.0
    return now, worth(state, moment(now), cadence=cadence, hazards=hazards)


def batches_at_calls(lives: Sequence[Life], budget: float, hazards: Hazards, guess: float) -> Delays:
    """`batches` at `budget` calls a parcel."""
    price, slope = guess, 0.4
    before: tuple[float, float] | None = None
    for _ in range(6):
        found = batches(lives, price, hazards)
        off = log(found.calls / budget)
        if abs(off) < 0.01:
            break
        if before is not None:
            slope = min(max((before[1] - off) / (log(price) - before[0]), 0.2), 1.0)
        before = log(price), off
        price *= exp(off / slope)
    return found


def sweep_at_calls(lives: Sequence[Life], budget: float) -> Delays:
    """`sweep` at `budget` calls a parcel."""
    shortest, longest = 0.5, 96.0
    for _ in range(12):
        interval = (shortest * longest) ** 0.5
        found = sweep(lives, interval)
        if abs(found.calls / budget - 1) < 0.005:
            break
        shortest, longest = (interval, longest) if found.calls > budget else (shortest, interval)
    return found
