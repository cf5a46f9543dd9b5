"""The sandbox's world: orders, their parcels, and a desk for each service, all on one clock.

Everything is drawn from one seed when the world is made; afterwards only the clock moves. Owns who is where;
knows neither wire formats nor HTTP.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from random import Random
from typing import Any

from carriers.sdk.numbers import TrackingNumber, tracking_number
from tracker.sandbox.carriers import CARRIERS, SandboxCarrier
from tracker.sandbox.desk import Desk, SandboxClock
from tracker.sandbox.faults import Faults
from tracker.sandbox.journeys import Journey, Kind, Scan, draw_journey
from tracker.sandbox.order_protection import OrderProtection
from tracker.sandbox.orders import Fulfillment, Order, imported_status, order_id
from tracker.sandbox.parcels import Parcel
from tracker.sandbox.places import draw_route
from tracker.sandbox.quotas import Limit
from tracker.sandbox.stages import Service

ORDER_PROTECTION = "order_protection"
TWO_PARCELS = 0.08
"""Share of fulfillments that travel as two parcels."""
TWO_FULFILLMENTS = 0.05
"""Share of orders sent in two fulfillments."""
REGISTERED = 0.8
"""Share of fulfillments Order Protection knows from the start; the others must be created there."""


class World:
    """A sandbox world. The same seed, clock origin and options give the same world."""

    def __init__(
        self,
        clock: SandboxClock,
        *,
        parcels: int = 200,
        seed: int = 1,
        carriers: Sequence[str] = tuple(CARRIERS),
        labels: tuple[timedelta, timedelta] = (timedelta(hours=-12), timedelta(hours=24)),
        quotas: Mapping[str, tuple[Limit, ...]] | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`labels`: from when to when labels are made, seen from now. `quotas`: by service, in place of its own."""
        self.clock = clock
        self.start = clock.now()
        self.orders: list[Order] = []
        self.parcels: dict[str, dict[str, Parcel]] = {code: {} for code in CARRIERS}
        self.order_protection = OrderProtection()
        self.desks: dict[str, Desk] = {}
        self._fulfillments: dict[tuple[str, str], Fulfillment] = {}
        self._random = Random(seed)  # noqa: S311 - a world to be repeated
        quotas = quotas or {}
        unknown = quotas.keys() - CARRIERS.keys() - {ORDER_PROTECTION}
        if unknown:
            raise ValueError(f"no such service to set a quota for: {', '.join(sorted(unknown))}")
        for code, carrier in CARRIERS.items():
            self.desks[code] = Desk(
                clock, carrier.refuse, quotas.get(code, carrier.limits), carrier.counts_tokens, seed, sleep
            )
        self.desks[ORDER_PROTECTION] = Desk(
            clock,
            self.order_protection.refuse,
            quotas.get(ORDER_PROTECTION, ()),
            False,
            seed,
            sleep,
        )
        self.add(parcels, carriers, labels)

    def add(
        self, parcels: int, carriers: Sequence[str], labels: tuple[timedelta, timedelta] = (timedelta(), timedelta())
    ) -> list[Order]:
        """Draw that many more parcels, with labels made between the two instants seen from now; their orders."""
        added: list[Order] = []
        now = self.clock.now()
        while parcels > 0:
            label_at = now + labels[0] + self._random.random() * (labels[1] - labels[0])
            order = self._draw_order(label_at, CARRIERS[self._random.choice(carriers)], parcels)
            parcels -= sum(len(fulfillment.parcels) for fulfillment in order.fulfillments)
            self._enter(order)
            added.append(order)
        return added

    def add_told(self, carrier: str, scans: Sequence[tuple[Kind, datetime]], number: str | None = None) -> Order:
        """Add a parcel whose scans are given, oldest first, aware; its order. Raises ValueError."""
        if carrier not in CARRIERS or not scans:
            raise ValueError("a told parcel needs a known carrier and at least one scan")
        random, speaker = self._random, CARRIERS[carrier]
        route = draw_route(random, speaker.region)
        home = {Kind.LABEL, Kind.PICKUP, Kind.RETURNED_TO_SENDER}
        told = tuple(
            Scan(at.astimezone(place.zone), kind, place)
            for kind, at in scans
            for place in (route.origin if kind in home else route.destination,)
        )
        journey = Journey(Service.GROUND, route, told, None)
        parcel = speaker.parcel(random, journey, self._own_number(carrier, number))
        parcel.known_from = told[0].at
        order = self._order([(speaker, (parcel,))], told[0].at)
        self._enter(order)
        return order

    def _own_number(self, carrier: str, number: str | None) -> TrackingNumber | None:
        if number is None:
            return None
        cleaned = tracking_number(number)
        if cleaned in self.parcels[carrier]:
            raise ValueError(f"{carrier} has a parcel {cleaned} already")
        return cleaned

    def _draw_order(self, label_at: datetime, carrier: SandboxCarrier[Any], most: int) -> Order:
        random = self._random
        route = draw_route(random, carrier.region)
        fulfillments = []
        for _ in range(2 if most > 1 and random.random() < TWO_FULFILLMENTS else 1):
            pair = most > 2 and random.random() < TWO_PARCELS
            journeys = [draw_journey(random, label_at, carrier.region, route) for _ in range(2 if pair else 1)]
            fulfillments.append((carrier, tuple(carrier.parcel(random, journey) for journey in journeys)))
        return self._order(fulfillments, label_at)

    def _order(self, sent: Sequence[tuple[SandboxCarrier[Any], tuple[Parcel, ...]]], label_at: datetime) -> Order:
        random, index = self._random, len(self.orders)
        own_id = order_id(random, index)
        created_at = (label_at - timedelta(hours=random.uniform(0.5, 20))).astimezone(UTC)
        fulfillments = tuple(
            Fulfillment(
                own_id,
                f"{own_id.partition(' ')[0]}-F{place + 1}",
                random.choice(carrier.companies),
                parcels,
                imported_status(random),
                max(created_at, label_at.astimezone(UTC) - timedelta(minutes=10)),
            )
            for place, (carrier, parcels) in enumerate(sent)
        )
        destination = fulfillments[0].parcels[0].journey.route.destination
        return Order(own_id, f"#{1001 + index}", created_at, destination, fulfillments, random.randrange(1 << 30))

    def _enter(self, order: Order) -> None:
        self.orders.append(order)
        for fulfillment in order.fulfillments:
            self._fulfillments[order.id, fulfillment.id] = fulfillment
            for parcel in fulfillment.parcels:
                self.parcels[parcel.carrier][parcel.number] = parcel
        known = [entry for entry in order.fulfillments if self._random.random() < REGISTERED]
        self.order_protection.register(order.id, [(entry.id, entry.imported) for entry in known], self.clock.now())

    def visible(self, parcel: Parcel, now: datetime) -> tuple[Scan, ...]:
        """The scans the carrier shows at `now`, oldest first."""
        return parcel.scans[: parcel.shown(now)]

    def every_parcel(self) -> Iterator[Parcel]:
        """All parcels, carrier by carrier."""
        return chain.from_iterable(parcels.values() for parcels in self.parcels.values())

    def orders_payload(self, created_by: datetime | None = None) -> list[dict[str, Any]]:
        """The orders as Order Protection's JSON; with `created_by`, those only whose first label exists by then."""
        return [
            order.payload()
            for order in self.orders
            if created_by is None or all(entry.created_at <= created_by for entry in order.fulfillments)
        ]

    def fulfillment(self, order: str, fulfillment: str) -> Fulfillment:
        """One fulfillment. Raises KeyError."""
        return self._fulfillments[order, fulfillment]

    def truth(self, now: datetime) -> list[dict[str, Any]]:
        """What each fulfillment's status should be by what the carriers show at `now`, with its past."""
        clock = max(now, self.clock.now())
        return [fulfillment.truth(now, clock) for fulfillment in self._fulfillments.values()]

    def break_down(self, payload: object) -> None:
        """Set faults by service, `{"fedex": {"down": true}}`; services left out stay. Raises ValueError."""
        if not isinstance(payload, dict):
            raise ValueError("faults must be an object of services")
        faults = {}
        for service, told in payload.items():
            if service not in self.desks:
                raise ValueError(f"unknown service {service!r}; expected one of {', '.join(self.desks)}")
            faults[service] = Faults.read(told)
        for service, fault in faults.items():
            self.desks[service].faults = fault

    def freeze(self) -> datetime:
        """From now on no carrier shows anything new, so that who watches can come to an end."""
        now = self.clock.now()
        for desk in self.desks.values():
            desk.frozen_at = desk.frozen_at or now
        return self.present()

    def present(self) -> datetime:
        """The instant up to which carriers show what happened."""
        return self.desks[ORDER_PROTECTION].frozen_at or self.clock.now()

    def stats(self) -> dict[str, Any]:
        """Counters of every service, and what Order Protection was told."""
        return {
            "now": self.clock.now().isoformat(),
            "parcels": sum(map(len, self.parcels.values())),
            "services": {service: desk.stats() for service, desk in self.desks.items()},
            "orderProtection": self.order_protection.stats(),
        }
