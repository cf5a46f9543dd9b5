"""The hazards at hand: by carrier and service, shipped or learnt, with the outlooks worked out from them.

Owns what is kept in memory between decisions, and its bounds. Knows no instants and no settings.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import exp, log
from typing import NamedTuple

from tracker.cadence.hazards import INDEX, PROMISE, SHIPPED, Learnt, Passage, Service, Tables, tables
from tracker.cadence.outlook import Outlook
from tracker.cadence.stages import Stage

_PRICE_STEPS = 24
"""For each factor of e in the price."""


class Standing(NamedTuple):
    """All that decides a parcel's outlook, as of its last look, in steps coarse enough to recur."""

    carrier: str
    service: Service
    stage: Stage
    slot: int
    """Step of the week, local time."""
    age: int
    """Steps in the stage."""
    days: int | None
    """Until the promised day."""


class Hazards:
    """The hazards by carrier and service, learnt ones where there are any, and the looks that follow from them.

    What it works out it keeps, up to a bound: outlooks by what decides them, and the waits read off those.
    """

    def __init__(
        self,
        learnt: Learnt | None = None,
        *,
        passages: Sequence[Passage] = SHIPPED,
        promise: Mapping[Stage, tuple[float, ...]] = PROMISE,
        keep: int = 2048,
    ) -> None:
        """`keep`: outlooks held in memory, some 5 kB each."""
        self._learnt = dict(learnt or {})
        self._known = {(carrier, service) for carrier, service, _ in self._learnt}
        self._passages = passages
        self._promise = promise
        self._tables: dict[tuple[str, Service], Tables] = {}
        self._outlook = lru_cache(keep)(self._make)
        self._wait = lru_cache(16 * keep)(self._best)

    def tables(self, carrier: str, service: Service) -> Tables:
        """The worked-out hazards: the carrier's own where something was learnt, else the shipped ones."""
        known = carrier if (carrier, service.value) in self._known else ""
        if (known, service) not in self._tables:
            mine = {
                stage: learnt
                for (carrier_, service_, stage), learnt in self._learnt.items()
                if (carrier_, service_) == (known, service.value)
            }
            self._tables[known, service] = tables(service, mine, self._passages, self._promise)
        return self._tables[known, service]

    def outlook(self, at: Standing) -> Outlook:
        """What may happen from a look on."""
        return self._outlook(self._shared(at))

    def wait(self, at: Standing, price: float, longest: float) -> float:
        """Hours from a look to the best next one; the price counts in steps of 4 %."""
        return self._wait(self._shared(at), round(log(price) * _PRICE_STEPS), longest)

    def _shared(self, at: Standing) -> Standing:
        """Carriers that nothing was learnt about are one."""
        return at if (at.carrier, at.service.value) in self._known else at._replace(carrier="")

    def _make(self, at: Standing) -> Outlook:
        return Outlook(self.tables(at.carrier, at.service), INDEX[at.stage], at.slot, at.age, at.days)

    def _best(self, at: Standing, price: int, longest: float) -> float:
        return self._outlook(at).best(exp(price / _PRICE_STEPS), longest)
