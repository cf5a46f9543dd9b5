"""What may have happened to a parcel since it was last looked at, and when looking again pays.

Owns the walk through the hours after a look, with the three curves it gives, and the rule that reads the next
look off them. Pure arithmetic in steps of half an hour: knows no instants, no settings and no carriers.

Let W(t) be the expected staleness t hours after the look: the chance of each piece of news that may be out by
then, times its worth. What waiting costs is the lag piled up so far, L(t) = integral of W. What waiting saves
is the upkeep: following a parcel whose news comes at hazard h and is worth w costs at best sqrt(2 price w h) an
hour in calls and lag together (the square-root law), so t hours put off save sqrt(2 price) K(t), K being the
integral of the expected sqrt(w h). The best moment is where L - upkeep is least. For a constant hazard that is
where L reaches the price; where hazards change it looks right after a window of news has closed and not hours later.
"""

from collections.abc import Iterator
from math import exp, sqrt

from tracker.cadence.hazards import OLDEST, SLOTS, STEP, Tables, promise_class

PATIENCE = 2.5
"""However good the reasons to wait: lag worth so many calls is too much."""
_NEGLIGIBLE = 1e-3
_AHEAD = 8
_DAY = 48


class Outlook:
    """The three curves from one look on, worked out as far as they are asked for. One value for each step."""

    __slots__ = ("_effort", "_lag", "_stale", "_walk")

    def __init__(self, tables: Tables, stage: int, slot: int, age: int, days: int | None) -> None:
        """`slot` of the week and `age` in steps, as of the look; `days` until the promised day."""
        self._lag = [0.0]
        self._stale = [0.0]
        self._effort: list[float] = []  # of the step that begins there
        self._walk = _walk(tables, stage, slot, age, days)

    def lag(self, hours: float) -> float:
        """L: the expected lag, weighted by worth, that has piled up by then."""
        step = int(hours / STEP)
        self._reach(step + 1)
        rest = hours - step * STEP
        growth = (self._stale[step + 1] - self._stale[step]) / STEP
        return self._lag[step] + self._stale[step] * rest + growth * rest * rest / 2

    def stale(self, hours: float) -> float:
        """W: the news to be expected by then, weighted by worth."""
        step = round(hours / STEP)
        self._reach(step)
        return self._stale[step]

    def best(self, price: float, longest: float) -> float:
        """Hours until the next look, `longest` at most; never fewer for a higher price."""
        root = sqrt(2 * price)
        enough = PATIENCE * price
        best = least = saved = 0.0
        for step in range(int(longest / STEP)):
            if step + 1 >= len(self._lag):
                self._reach(step + _AHEAD)
            lag = self._lag[step]
            if lag > enough:
                break
            saving = root * self._effort[step]
            stale, later = self._stale[step], self._stale[step + 1]
            if stale < saving:  # still worth waiting: to the end of the step, or to the moment it no longer is
                wait = STEP if later <= saving else STEP * (saving - stale) / (later - stale)
                growth = (later - stale) / STEP
                regret = lag - saved + (stale - saving) * wait + growth * wait * wait / 2
                if regret <= least:
                    best, least = step * STEP + wait, regret
            saved += saving * STEP
        return min(best, longest)

    def _reach(self, step: int) -> None:
        while len(self._lag) <= step:
            gained, effort = next(self._walk)
            stale = self._stale[-1]
            self._lag.append(self._lag[-1] + (stale + gained / 2) * STEP)
            self._stale.append(stale + gained)
            self._effort.append(effort)


def _walk(tables: Tables, start: int, slot: int, age: int, days: int | None) -> Iterator[tuple[float, float]]:
    """For each step: the staleness it adds, and the expected sqrt(worth x hazard) in it.

    The parcel is one crowd of chances for the stage it was seen in, and one for each stage it may have passed
    to unseen; such a crowd ages by its mean.
    """
    crowds = [[1.0, float(age)]]  # share, mean age in steps
    stages = [tables[start]]
    place: dict[int, int] = {}
    while True:
        promise = promise_class(days)
        gained = effort = 0.0
        moved: list[tuple[int, float]] = []
        for crowd, (exits, promises) in zip(crowds, stages, strict=True):
            share, mean_age = crowd
            crowd[1] = mean_age + 1
            if share < _NEGLIGIBLE or not exits:
                continue
            old = int(mean_age) if mean_age < OLDEST else OLDEST
            rates = [week[slot] * ages[old] for _, _, week, ages in exits]
            total = sum(rates)
            if not total:
                continue
            gone = 1 - exp(-total * promises[promise] * STEP)
            crowd[0] = share * (1 - gone)
            part = share * gone / total
            worth = 0.0
            for (after, value, _, _), rate in zip(exits, rates, strict=True):
                moved.append((after, part * rate))
                worth += value * rate
            gained += part * worth
            effort += share * sqrt(worth / total * gone / STEP)
        for after, share in moved:
            if after not in place:
                place[after] = len(crowds)
                crowds.append([0.0, 0.0])
                stages.append(tables[after])
            crowd = crowds[place[after]]
            total = crowd[0] + share
            if total:
                crowd[1] = (crowd[0] * crowd[1] + share * 0.5) / total
                crowd[0] = total
        yield gained, effort
        slot += 1
        if slot == SLOTS:
            slot = 0
        if days is not None and slot % _DAY == 0:
            days -= 1
