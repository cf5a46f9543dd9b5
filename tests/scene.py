"""A tracker at work, for tests of the pages and for their pictures: two weeks of parcels, with all that can go wrong.

Owns an invented merchant's orders and what carriers tell of them. Everything is read, folded and pushed by the
tracker's own rules, step by step of its clock; only the carriers' answers are invented.
"""

import random
from collections.abc import Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import orjson

from carriers.sdk.events import Event, Place, Report, Shipment, ZoneSource
from carriers.sdk.numbers import TrackingNumber
from carriers.sdk.registry import known_carriers, known_infos
from tracker import intake, web
from tracker.config import AccountPlan, Settings, plan_accounts
from tracker.models import PushState
from tracker.progress import Rules, advance, interpret
from tracker.routing import Routes
from tracker.store import accounts, hours, outbox, parcels
from tracker.store.database import Database
from tracker.store.writer import Writer
from tracker.timeline import RollUp

if TYPE_CHECKING:
    from carriers.sdk.codes import Meaning
    from tracker.clock import Clock

NOW = datetime(2026, 3, 12, 14, 20, tzinfo=UTC)
STEP = timedelta(hours=3)

#: What the newcomer of the browser test looks for.
STALLED = "F-STALLED"

#: A fulfillment whose id and scan are markup.
HOSTILE = "<b>F-&quot;3016"


class Scan(NamedTuple):
    """A scan of a journey: hours after the label, code, the carrier's words, and which stop."""

    hours: float
    code: str
    text: str
    stop: int


class Stop(NamedTuple):
    """A place on the way, and its offset from UTC in hours."""

    city: str
    state: str
    country: str
    offset: int


MEMPHIS = Stop("MEMPHIS", "TN", "US", -5)
OAKLAND = Stop("OAKLAND", "CA", "US", -7)
DENVER = Stop("DENVER", "CO", "US", -6)
BOSTON = Stop("BOSTON", "MA", "US", -4)
AUSTIN = Stop("AUSTIN", "TX", "US", -5)
LEIPZIG = Stop("LEIPZIG", "", "DE", 1)
HAMBURG = Stop("HAMBURG", "", "DE", 1)
WAYS = ((OAKLAND, MEMPHIS, BOSTON), (OAKLAND, DENVER, AUSTIN), (BOSTON, MEMPHIS, DENVER), (AUSTIN, MEMPHIS, OAKLAND))

#: The way of a parcel by carrier: label, picked up, on the way (twice), out for delivery, delivered.
WAY = {
    "fedex": (
        Scan(0, "OC", "Shipment information sent to FedEx", 0),
        Scan(9, "PU", "Picked up", 0),
        Scan(16, "DP", "Left FedEx origin facility", 0),
        Scan(31, "AR", "Arrived at FedEx hub", 1),
        Scan(62, "OD", "On FedEx vehicle for delivery", 2),
        Scan(68, "DL", "Delivered", 2),
    ),
    "ups": (
        Scan(0, "STATUS/003", "Shipper created a label, UPS has not received the package yet.", 0),
        Scan(11, "STATUS/038", "Picked up", 0),
        Scan(20, "STATUS/005", "Departed from facility", 0),
        Scan(37, "STATUS/010", "Arrived at facility", 1),
        Scan(70, "STATUS/021", "Out for delivery", 2),
        Scan(76, "STATUS/011", "DELIVERED", 2),
    ),
    "usps": (
        Scan(0, "GX", "Shipping label created, USPS awaiting item", 0),
        Scan(14, "03", "Accepted at USPS origin facility", 0),
        Scan(27, "10", "Arrived at USPS regional facility", 0),
        Scan(58, "07", "Arrived at post office", 2),
        Scan(83, "OF", "Out for delivery", 2),
        Scan(89, "01", "Delivered, in/at mailbox", 2),
    ),
    "dhl": (
        Scan(0, "PARCEL-DE/VA", "The instruction data for this shipment have been provided by the sender", 0),
        Scan(8, "PARCEL-DE/AE", "The shipment has been picked up by DHL", 0),
        Scan(19, "EXPRESS/DF", "Departed facility", 0),
        Scan(30, "EXPRESS/AF", "Arrived at facility", 1),
        Scan(44, "PARCEL-DE/PO", "Loaded onto the delivery vehicle", 2),
        Scan(50, "PARCEL-DE/ZU", "The shipment has been successfully delivered", 2),
    ),
}
COMPANY = {"fedex": "FedEx", "ups": "UPS", "usps": "USPS", "dhl": "DHL"}


class Journey(NamedTuple):
    """One parcel: who, when the label was made, and what is told of it."""

    carrier: str
    number: str
    fulfillment: str
    label: datetime
    scans: Sequence[Scan]
    way: Sequence[Stop]
    promised: float | None = 96
    """Hours after the label."""
    order: str = ""
    country: str = "US"


def journeys(count: int, hostile: bool) -> list[Journey]:
    """The usual ones, then those that somebody has to look at; with `hostile` one whose words are markup."""
    chance = random.Random(7)  # noqa: S311 - the same scene every time
    found = []
    for index in range(count):
        carrier = chance.choices(("fedex", "ups", "usps", "dhl"), (40, 30, 22, 8))[0]
        label = NOW - timedelta(hours=chance.uniform(2, 15 * 24))
        stretch = chance.uniform(0.75, 1.45)
        scans = [scan._replace(hours=scan.hours * stretch) for scan in WAY[carrier]]
        way = (LEIPZIG, LEIPZIG, HAMBURG) if carrier == "dhl" else chance.choice(WAYS)
        found.append(
            Journey(carrier, _number(carrier, index), f"F-{2400 + index}", label, scans, way, 96 * stretch * 1.1,
                    f"#{1001 + index}", "DE" if carrier == "dhl" else "US")
        )  # fmt: skip
    return [*found, *(one for one in troubles() if hostile or one.fulfillment != HOSTILE)]


def _number(carrier: str, index: int) -> str:
    return {
        "fedex": f"7946{index:08}",
        "ups": f"1Z4X7R50{index:010}",
        "usps": f"94001118995{index:011}",
        "dhl": f"00340434{index:012}",
    }[carrier]


def troubles() -> Iterator[Journey]:
    """One of each kind of trouble, or a few."""

    def one(
        name: str, carrier: str, days: float, upto: int, *more: Scan, promised: float | None = 96, index: int = 0
    ) -> Journey:
        way = (LEIPZIG, LEIPZIG, HAMBURG) if carrier == "dhl" else WAYS[index % 4]
        scans = [*WAY[carrier][:upto], *more]
        label = NOW - timedelta(days=days)
        return Journey(carrier, _number(carrier, 900000 + hash_of(name)), name, label, scans, way, promised, f"#{name}")

    yield one(STALLED, "fedex", 12, 4, promised=80)
    yield one("F-3002", "ups", 11, 3, promised=None)
    yield one("F-3003", "usps", 10.5, 3)
    yield one("F-3004", "fedex", 3.2, 5, Scan(66, "DE/8", "Delivery exception: recipient not in or business closed", 2))
    yield one("F-3005", "ups", 3.4, 5, Scan(75, "STATUS/022", "The receiver was not available for delivery.", 2))
    yield one("F-3006", "fedex", 2.6, 4, Scan(40, "CD", "Clearance delay: import documents are incomplete", 1))
    yield one("F-3007", "dhl", 2.2, 4, Scan(34, "EXPRESS/OH", "Shipment on hold", 1))
    yield one("F-3008", "fedex", 5.1, 5, Scan(70, "RS", "Returning package to shipper", 2))
    yield one("F-3009", "usps", 7.4, 5, Scan(95, "09", "Return to sender", 2))
    yield one("F-3010", "fedex", 3.3, 4, Scan(45, "DY", "Delay: severe weather", 1), promised=60)
    yield one("F-3011", "usps", 4.6, 5, Scan(96, "14", "Available for pickup", 2))
    yield one("F-3012", "ups", 2.9, 4, Scan(50, "MOVEMENT/Q7", "Package sorted by robot", 1))
    yield one("F-3013", "fedex", 2.4, 4, Scan(41, "ZX", "Transferred to a partner carrier", 1), index=1)
    yield one("F-3014", "fedex", 2.5, 4, Scan(42, "ZX", "Transferred to a partner carrier", 1), index=2)
    yield one("F-3015", "ups", 38, 0, promised=None)
    yield one(HOSTILE, "fedex", 1.4, 3, Scan(24, "IT", "<script>alert('scan')</script>", 1), promised=30)


def hash_of(name: str) -> int:
    """A number for a name, the same in every run."""
    return sum(ord(char) * (position + 1) * 7 for position, char in enumerate(name)) % 90000


class FrozenClock:
    """A clock that stands, until it is moved."""

    speed = 1.0

    def __init__(self, time: datetime = NOW) -> None:
        self.time = time

    def now(self) -> datetime:
        return self.time

    def wall(self, seconds: float) -> timedelta:
        return timedelta(seconds=seconds)


class Scene:
    """A database full of them, and the web side over it."""

    def __init__(self, folder: Path, *, count: int = 220, hostile: bool = True) -> None:
        self.database = Database(folder / "tracker.db")
        self.database.migrate()
        self.clock = FrozenClock()
        self.settings = Settings.model_validate({"carriers": _ACCOUNTS, "orders": {"token": "a-token"}})
        self.plans, self.off = plan_accounts(self.settings)
        self.writer = Writer(self.database)
        self._play(journeys(count, hostile))
        self._accounts()

    @property
    def services(self) -> web.Services:
        clock = cast("Clock", self.clock)
        routes = Routes((), {plan.name: plan.code for plan in self.plans})
        return web.Services(
            self.database, self.writer, clock, self.settings, routes, tuple(self.plans), tuple(self.off), None
        )

    def fulfillment(self, name: str) -> int:
        """Its id."""
        with self.database.read() as db:
            found: int = db.exec_driver_sql(
                "SELECT id FROM fulfillments WHERE source_fulfillment_id = ?", (name,)
            ).scalar_one()
        return found

    def close(self) -> None:
        self.writer.close()
        self.database.close()

    @asynccontextmanager
    async def served(self) -> Any:
        """The pages over HTTP; gives the URL."""
        from tracker.config import Web

        async with web.serve(web.build(self.services), Web(port=0)) as url:
            yield url

    def _play(self, told: Sequence[Journey]) -> None:
        """Let the clock go and the carriers tell."""
        until = self.clock.time
        self.clock.time = until - timedelta(days=39)
        left = {journey.number: journey for journey in told}
        registered: set[str] = set()
        while self.clock.time < until:
            began, self.clock.time = self.clock.time, min(self.clock.time + STEP, until)
            now = self.clock.time
            with self.database.write() as tx:
                fresh = [one for one in told if one.label <= now and one.number not in registered]
                if fresh:
                    intake.register(tx, intake.read_file("orders.json", _orders(fresh)), now, known_infos())
                    registered |= {one.number for one in fresh}
                talked = [one for one in left.values() if any(began < at <= now for at in _instants(one))]
                late = [one for one in told if began < (_overdue(one) or now + STEP) <= now]
                ids = self._ids(tx)
                self._ask(tx, {ids[one.number]: one for one in (*talked, *late) if one.number in ids}, now)
                self._push(tx, now)
                if now > until - timedelta(days=16):
                    hours.keep_statuses(tx, now)
        self._finish(until)

    def _ids(self, tx: Any) -> dict[str, int]:
        return dict(tuple(row) for row in tx.exec_driver_sql("SELECT number, id FROM parcels"))

    def _ask(self, tx: Any, asked: dict[int, Journey], now: datetime) -> None:
        if not asked:
            return
        tx.exec_driver_sql("UPDATE parcels SET lease_token = 'scene' WHERE id = ?", [(id,) for id in asked])
        progresses = []
        known = parcels.known_events(tx, list(asked))
        for state in parcels.leased(tx, list(asked), "scene"):
            journey = asked[state.id]
            polling = self.settings.polling
            rules = Rules(polling, polling.reuse_margin, {}, source=journey.carrier, sources=(journey.carrier,))
            reading = interpret(state, _report(journey, now), now, rules)
            progresses.append(advance(state, reading, known[state.id], (), now=now, rules=rules, chance=0.5))
        parcels.save(tx, [progress.row for progress in progresses], "scene")
        parcels.add_events(tx, [event for progress in progresses for event in progress.events])
        changed = [progress.row["id"] for progress in progresses if progress.changed]
        outbox.refold(tx, outbox.fulfillments_of(tx, changed), now, RollUp.ATTENTION)

    def _push(self, tx: Any, now: datetime) -> None:
        """Order Protection takes them all, but for one it refuses."""
        for due in outbox.claim(tx, limit=500, token="push", now=now, until=now + timedelta(minutes=5)):
            refused = due.source_fulfillment_id == "F-3009" and due.status == "FAILURE"
            error = "HTTP 400: fulfillment was archived" if refused else None
            state = PushState.DEAD if refused else PushState.SENT
            outbox.finish(tx, due.id, "push", state, now=now + timedelta(seconds=2), error=error)

    def _finish(self, now: datetime) -> None:
        """As they are looked at: some asked a moment ago, one on its way to Order Protection."""
        chance = random.Random(3)  # noqa: S311 - the same scene every time
        with self.database.write() as tx:
            for (id,) in tx.exec_driver_sql("SELECT id FROM parcels WHERE next_poll_at IS NOT NULL").all():
                asked, due = (
                    now - timedelta(minutes=chance.uniform(2, 200)),
                    now + timedelta(minutes=chance.uniform(-4, 200)),
                )
                tx.exec_driver_sql(
                    "UPDATE parcels SET last_polled_at = ?1, next_poll_at = ?2, look_at = ?2 WHERE id = ?3",
                    (asked.isoformat(timespec="microseconds"), due.isoformat(timespec="microseconds"), id),
                )  # fmt: skip

    def _accounts(self) -> None:
        """What the accounts did in the last day, and one that is paused."""
        chance = random.Random(5)  # noqa: S311 - the same scene every time
        shape = [2, 2, 1, 1, 1, 2, 3, 5, 7, 9, 10, 10, 9, 9, 10, 9, 8, 7, 6, 6, 5, 4, 3, 3]
        size = {"fedex": 34, "ups": 130, "usps": 5.4, "dhl": 1.3}
        took = {"fedex": 0.42, "ups": 0.18, "usps": 0.27, "dhl": 0.61}
        with self.database.write() as tx:
            for plan in self.plans:
                accounts.ensure(tx, plan.name, plan.code)
                accounts.succeeded(tx, plan.name, at=NOW - timedelta(seconds=chance.uniform(3, 50)))
                for back in range(30, -1, -1):
                    at = NOW - timedelta(hours=back)
                    calls = int(size[plan.code] * shape[at.hour] * chance.uniform(0.8, 1.15)) + 1
                    calls = min(calls, plan.quota.per_hour or calls) if back else calls // 3
                    errors = int(calls * chance.choice((0, 0, 0.01, 0.03)))
                    if plan.code == "dhl" and back == 0:
                        errors = calls
                    news = int(calls * 1.4)
                    lag = chance.uniform(1500, 4200)
                    seconds = calls * took[plan.code] * chance.uniform(0.8, 1.3)
                    done = hours.Done(calls, seconds, errors, calls * min(plan.batch, 12), news, news * lag)
                    hours.count(tx, plan.name, done, at)
                    if back < 24:
                        _count_quota(tx, plan, calls, at)
            accounts.ensure(tx, "order_protection", "order_protection")
            accounts.succeeded(tx, "order_protection", at=NOW - timedelta(seconds=41))
            accounts.back_off(
                tx, "dhl", now=NOW - timedelta(minutes=3), reason="RateLimited: HTTP 429, quota of the day used up",
                first=timedelta(minutes=30), longest=timedelta(hours=1), told=None,
            )  # fmt: skip


_ACCOUNTS = {
    "fedex": {"credentials": {"api_key": "x", "secret_key": "x"}, "quota": {"per_day": 10000}},
    "ups": {"credentials": {"client_id": "x", "client_secret": "x"}, "quota": {"per_day": 40000}},
    "usps": {"credentials": {"consumer_key": "x", "consumer_secret": "x"}},
    "dhl": {"credentials": {"api_key": "x"}},
    "gls": {},
}


def _count_quota(tx: Any, plan: AccountPlan, calls: int, at: datetime) -> None:
    from tracker.store import quotas

    for window in (quotas.HOUR, quotas.DAY):
        slot = int(at.timestamp() // (window / quotas.SLOTS))
        tx.exec_driver_sql(
            'INSERT INTO quota_use (account, "window", slot, calls) VALUES (?, ?, ?, ?)'
            ' ON CONFLICT (account, "window", slot) DO UPDATE SET calls = calls + excluded.calls',
            (plan.name, window, slot, calls),
        )


def _overdue(journey: Journey) -> datetime | None:
    return journey.label + timedelta(hours=journey.promised + 24) if journey.promised else None


def _instants(journey: Journey) -> list[datetime]:
    return [journey.label + timedelta(hours=scan.hours) for scan in journey.scans]


def _orders(told: Sequence[Journey]) -> bytes:
    return orjson.dumps(
        [
            {
                "sourceOrderId": one.order,
                "shippingAddress": {"countryCode": one.country},
                "fulfillments": [
                    {
                        "sourceFulfillmentId": one.fulfillment,
                        "trackingCompany": COMPANY[one.carrier],
                        "trackingNumber": [one.number],
                        "fulfillmentStatus": "FULFILLED",
                        "createdAt": one.label.isoformat(),
                        "sourceItemIds": [{"sourceItemId": "1", "quantity": 1}],
                    }
                ],
            }
            for one in told
        ]
    )


def _report(journey: Journey, now: datetime) -> Report:
    """What the carrier tells of it by then."""
    codes = known_carriers()[journey.carrier].codes
    events = []
    for scan in journey.scans:
        stop = journey.way[scan.stop]
        at = (journey.label + timedelta(hours=scan.hours)).astimezone(timezone(timedelta(hours=stop.offset)))
        at = at.replace(second=0, microsecond=0)
        if at <= now:
            meaning: Meaning | None = codes.meaning(scan.code)
            place = Place(stop.city, stop.state, "", stop.country)
            events.append(Event(at, ZoneSource.GIVEN, scan.code, meaning, scan.text, place))
    promised = journey.label + timedelta(hours=journey.promised) if journey.promised and events else None
    number = TrackingNumber(journey.number)
    return Report(number, (Shipment(tuple(reversed(events)), estimated_delivery=promised),))
