"""What a call of an account costs by now, and whose turn it therefore is.

Owns one account's price between its steps, and the judging of parcels whose turn has come by the price of the
moment: parcels are put down for a look at the price of their last one. Knows no HTTP and no carrier's payload.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from math import ceil

from sqlalchemy import Connection

from carriers.sdk.carrier import Quota
from tracker.cadence import Cadence, Count, Hazards, Price, Window, multipliers, upload_delay, worth
from tracker.cadence import price as control
from tracker.progress import SHIPPED, Rules, look_at, turn_of
from tracker.store import accounts, learning, parcels, quotas
from tracker.store.parcels import Claimed, Due, Source

#: Time between two steps of a price.
STEP = timedelta(minutes=1)
#: Share of an hour's and a day's calls that is kept for people and for parcels never asked about.
RESERVE = 0.05
#: Parcels judged at once, as a multiple of those there are calls for, and at least, and at most.
LOOKED_THROUGH, FEWEST, MOST = 2, 64, 1000
#: Times that parcels are judged in one transaction, until there are enough that are worth it.
ROUNDS = 2
#: Due parcels that are counted, for a price that is far too low.
COUNTED = 100_000


#: Time after which what was learnt meanwhile is put to use.
RELEARN = timedelta(hours=1)


class LearntHazards:
    """The hazards with what the accounts have learnt by now; one for all of a process."""

    def __init__(self) -> None:
        self.hazards = SHIPPED
        self.upload_delays: Mapping[str, timedelta] = {}
        """How late carriers show their scans, where it is hours."""
        self._read_at: datetime | None = None

    def refresh(self, tx: Connection, now: datetime) -> None:
        """Read what was learnt again, where the last time is a while ago."""
        if self._read_at is None or now - self._read_at >= RELEARN or now < self._read_at:
            self._read_at = now
            sums = learning.lessons(tx)
            learnt = multipliers(sums)
            self.hazards = Hazards(learnt) if learnt else SHIPPED
            delays = {carrier: upload_delay(sums, carrier) for carrier in {one.carrier for one in sums}}
            self.upload_delays = {carrier: delay for carrier, delay in delays.items() if delay}


class Pricing:
    """One account's price of a call.

    Those that ride in a call share its price: where it takes many numbers, asking about one costs a part of it.
    """

    def __init__(self, account: str, quota: Quota, batch: int, cadence: Cadence) -> None:
        """`batch`: numbers a call. `cadence.price` is the lowest price of asking about one."""
        self._account = account
        self._quota = quota
        self._batch = batch
        self._lowest = cadence.price * batch
        self.value = self._lowest

    def step(self, tx: Connection, sources: Sequence[Source], rules: Rules, now: datetime) -> float:
        """The price, moved on where the last step is a while ago: by what is due and worth the price of till now."""
        stored = learning.price(tx, self._account)
        if stored is not None and now.timestamp() / 3600 - stored[0].at < STEP / timedelta(hours=1):
            self.value = stored[0].value
            return self.value
        worthy, share = _look_through(tx, sources, rules, limit=MOST, now=now, chance=0.5)
        rest = parcels.backlog(tx, sources, most=COUNTED, now=now) - len(worthy)
        waiting = ceil((len(worthy) + share * rest) / self._batch)
        made = accounts.calls(tx, self._account)
        counts = self._counts(tx, now)
        price, backlog, calls = stored or (self._first(now), 0, made)
        wanted = max(0, made - calls + waiting - backlog)
        price = control.step(price, now, wanted=wanted, counts=counts, lowest=self._lowest)
        learning.keep_price(tx, self._account, price, waiting, made)
        self.value = price.value
        return self.value

    def _first(self, now: datetime) -> Price:
        hourly = [limit * quotas.HOUR / length for length, limit in self._limits().items()]
        return control.start(self._lowest, now, min(hourly, default=1.0))

    def _counts(self, tx: Connection, now: datetime) -> tuple[Count, ...]:
        fixed = self._quota.fixed
        return tuple(
            Count(_WINDOWS[length, fixed], quotas.used(tx, self._account, length, now, fixed=fixed), limit)
            for length, limit in self._limits().items()
        )

    def _limits(self) -> Mapping[int, int]:
        """Calls in an hour and a day, without the reserve; a pace is an hour's worth of itself."""
        paced = self._quota.per_second and int(self._quota.per_second * quotas.HOUR)
        hourly = min((limit for limit in (self._quota.per_hour, paced) if limit), default=None)
        limits = {quotas.HOUR: hourly, quotas.DAY: self._quota.per_day}
        return {length: max(1, quotas.spared(limit, RESERVE)) for length, limit in limits.items() if limit}


_WINDOWS = {
    (quotas.HOUR, True): Window.HOUR,
    (quotas.HOUR, False): Window.SLIDING_HOUR,
    (quotas.DAY, True): Window.DAY,
    (quotas.DAY, False): Window.SLIDING_DAY,
}


def choose(
    tx: Connection, sources: Sequence[Source], rules: Rules, *, limit: int, now: datetime, chance: float
) -> list[Claimed]:
    """Up to `limit` of the parcels whose turn has come and whose look is worth the price, the most valuable first.

    The turn of those that are not worth it yet is put off until they are.
    """
    chosen, _ = _look_through(tx, sources, rules, limit=limit, now=now, chance=chance)
    if len(chosen) > limit:
        chosen.sort(key=lambda one: _value(one, rules, now), reverse=True)
    return [one.claimed for one in chosen[:limit]]


def _look_through(
    tx: Connection, sources: Sequence[Source], rules: Rules, *, limit: int, now: datetime, chance: float
) -> tuple[list[Due], float]:
    """Parcels that are worth the price, `limit` of them or more where there are as many, and their share of all that
    were judged; the others are put off.

    After a standstill everything is due, and little of it worth a call: judging ends after some rounds, for no
    transaction may last. What was not reached stays due.
    """
    candidates = min(max(LOOKED_THROUGH * limit, FEWEST), max(MOST, limit))
    worthy: list[Due] = []
    late = 0
    for _ in range(ROUNDS):
        found = parcels.due(tx, sources, limit=candidates, now=now)
        judged = [(one, _turn(one, rules, now, chance)) for one in found]
        later = {one.claimed.id: turn for one, turn in judged if turn is None or turn > now}
        parcels.put_off(tx, later)
        late += len(later)
        worthy = [one for one in found if one.claimed.id not in later]
        if len(worthy) >= limit or len(found) < candidates:
            break
        candidates = max(candidates, MOST)
    return worthy, len(worthy) / max(1, len(worthy) + late)


def _turn(one: Due, rules: Rules, now: datetime, chance: float) -> datetime | None:
    """`now`, or the later turn that the price of now gives a parcel."""
    if one.wanted:
        return now
    look = look_at(one.situation, now, rules, chance)
    if look.at is None or look.at <= now:  # one that is never to be asked again ends with a last answer
        return now
    return turn_of(look, one.situation, now, rules)


def _value(one: Due, rules: Rules, now: datetime) -> float:
    """What a look is worth; somebody's wish goes first, and what is only due for its patience last."""
    if one.wanted:
        return float("inf")
    return worth(one.situation, now, cadence=rules.cadence, hazards=rules.hazards)
