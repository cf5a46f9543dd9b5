"""What the sandbox carriers have in common: how a journey becomes a parcel, and how a number is looked up.

Owns the choice of product, code and first appearance. Each carrier's file holds its own words, wire format
and endpoints; none of them knows how this project reads them.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import ClassVar, Generic, TypeVar
from urllib.parse import parse_qsl

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from carriers.sdk.numbers import TrackingNumber
from carriers.sdk.status import FulfillmentStatus
from tracker.sandbox.desk import Desk
from tracker.sandbox.journeys import SAYS, Journey, Kind
from tracker.sandbox.parcels import Parcel
from tracker.sandbox.places import Region, Route
from tracker.sandbox.quotas import Limit

Word = TypeVar("Word")
Parcels = Mapping[str, Parcel]
"""A carrier's parcels by number."""
Words = Mapping[str, Mapping[Kind, Sequence[object]]]
Says = Mapping[str, Mapping[Kind, FulfillmentStatus]]


def json_response(payload: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """`payload` as JSON."""
    return Response(orjson.dumps(payload), status, headers, "application/json")


async def body_json(request: Request) -> object:
    """The body as JSON, None where it is none."""
    try:
        payload: object = orjson.loads(await request.body())
    except orjson.JSONDecodeError:
        return None
    return payload


async def form_or_json(request: Request) -> dict[str, str]:
    """The string fields of a token request, sent as a form or as JSON; empty if it is neither."""
    if not request.headers.get("content-type", "").startswith("application/json"):
        return dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
    payload = await body_json(request)
    fields = payload.items() if isinstance(payload, dict) else ()
    return {name: value for name, value in fields if isinstance(value, str)}


class SandboxCarrier(ABC, Generic[Word]):
    """A carrier of the sandbox."""

    code: ClassVar[str]
    companies: ClassVar[tuple[str, ...]]
    """How merchants write it in `trackingCompany`."""
    region: ClassVar[Region] = Region.US
    limits: ClassVar[tuple[Limit, ...]] = ()
    counts_tokens: ClassVar[bool] = False
    unknown_hours: ClassVar[float]
    """For up to so long after its label a parcel is not found."""
    words: ClassVar[Words]
    """Product -> kind of scan -> the carrier's ways to say it. A kind left out is never shown."""
    says: ClassVar[Says] = {}
    """Where a product's words say less than, or something else than, the kind itself."""

    @abstractmethod
    def number(self, random: Random, product: str) -> TrackingNumber:
        """A new tracking number of that product."""

    @abstractmethod
    def refuse(self, status: int, wait: float | None) -> Response:
        """The answer for 401, 429 (`wait` seconds), 500 and 503."""

    @abstractmethod
    def routes(self, desk: Desk, parcels: Parcels) -> list[BaseRoute]:
        """The carrier's endpoints."""

    def products(self, route: Route) -> tuple[str, ...]:
        """The products that serve this route."""
        return tuple(self.words)

    def parcel(self, random: Random, journey: Journey, number: TrackingNumber | None = None) -> Parcel:
        """A parcel on that journey, of a product that has words for as much of it as can be."""
        candidates = list(self.products(journey.route))
        random.shuffle(candidates)
        told = {scan.kind for scan in journey.scans} - {Kind.LABEL}
        product = min(candidates, key=lambda name: len(told - self.words[name].keys()))
        scans = tuple(scan for scan in journey.scans if scan.kind in self.words[product])
        own = self.says.get(product, {})
        known_from = journey.scans[0].at + timedelta(hours=random.random() * self.unknown_hours)
        return Parcel(
            self.code,
            number or self.number(random, product),
            product,
            journey,
            scans,
            tuple(own.get(scan.kind, SAYS[scan.kind]) for scan in scans),
            known_from,
            random.randrange(1 << 16),
        )

    def word(self, parcel: Parcel, index: int) -> Word:
        """How the carrier says scan `index` of that parcel; always the same way."""
        choices: Sequence[Word] = self.words[parcel.service][parcel.scans[index].kind]  # type: ignore[assignment]
        return choices[(parcel.flavour + index) % len(choices)]

    def find(self, desk: Desk, parcels: Parcels, number: str, now: datetime) -> tuple[Parcel, int] | None:
        """The parcel and how many of its scans are shown; None while the carrier does not know it."""
        if desk.frozen_at is not None:
            now = min(now, desk.frozen_at)
        desk.numbers += 1
        parcel = None if desk.faults.not_found_all else parcels.get(number)
        shown = parcel.shown(now) if parcel is not None else 0
        return (parcel, shown) if parcel is not None and shown else None
