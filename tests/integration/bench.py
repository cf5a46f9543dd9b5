"""What polls are tried out on: a real database, a clock that moves when told, a carrier that says what the test wants
it to say."""

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from carriers.sdk import (
    ApiKey,
    Call,
    Carrier,
    Codes,
    Event,
    Info,
    InvalidNumber,
    Items,
    NotFound,
    Quota,
    Reply,
    Report,
    Shipment,
    TrackingNumber,
    ZoneSource,
)
from carriers.sdk.codes import Meaning
from tracker import intake
from tracker.budget import LEASE, Budget
from tracker.cadence import Cadence
from tracker.poll import Poller, Tally
from tracker.progress import Rules
from tracker.routing import DIRECT, Routes
from tracker.store import parcels
from tracker.store.database import Database
from tracker.store.writer import Writer
from tracker.timeline import RollUp

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
HTML = b"<!DOCTYPE html><html><body>Back soon</body></html>"
PLAIN = [parcels.Source("plain")]


def claim(
    tx: Connection,
    sources: Sequence[parcels.Source],
    *,
    token: str,
    now: datetime,
    limit: int = 9,
    seconds: float = LEASE,
) -> list[parcels.Claimed]:
    """Lease what is due at these sources, as another process does."""
    chosen = [one.claimed for one in parcels.due(tx, sources, limit=limit, now=now)]
    return list(parcels.lease(tx, chosen, token=token, now=now, until=now + timedelta(seconds=seconds)))


class FakeClock:
    """A clock that moves when told."""

    speed = 1.0

    def __init__(self) -> None:
        self.time = START

    def now(self) -> datetime:
        return self.time

    def wall(self, seconds: float) -> timedelta:
        return timedelta(seconds=seconds)

    def forward(self, **amount: float) -> None:
        self.time += timedelta(**amount)


class Plain(Carrier):
    """A carrier whose answer is {number: {"events": [[time, code], ...], "promised": time}}, newest first; null for one
    that it does not know, "invalid" for one that cannot be its own."""

    info = Info(
        code="plain",
        name="Plain",
        docs="https://plain.example",
        auth=ApiKey("Key"),
        production="https://plain.example",
        sandbox=None,
        tracking_page="https://plain.example/{number}",
        batch=8,
    )
    codes = Codes(
        CONFIRMED="OC",
        CARRIER_PICKED_UP="PU",
        IN_TRANSIT="IT",
        OUT_FOR_DELIVERY="OD",
        DELIVERED="DL",
        RETURNING="RS",
        INFORMATIONAL="NOTE",
    )

    def __init__(self) -> None:
        super().__init__()
        self.read: list[str] = []
        """Numbers of which an answer was read."""

    def call(self, numbers: Sequence[TrackingNumber]) -> Call:
        return Call.post_json(numbers, "/track", list(numbers))

    def parse(self, reply: Reply) -> Iterable[Report]:
        if failure := reply.failure():
            raise failure
        return [self._report(number, told) for number, told in self._told(reply.json())]

    def _told(self, answer: Any) -> Iterable[tuple[str, Any]]:
        self.read += answer
        return answer.items()  # type: ignore[no-any-return]

    def _report(self, number: str, told: Any) -> Report:
        if told is None:
            return Report(TrackingNumber(number), error=NotFound("no such number"))
        if told == "invalid":
            return Report(TrackingNumber(number), error=InvalidNumber("none of ours"))
        events = tuple(
            Event(datetime.fromisoformat(at), ZoneSource.GIVEN, code, self.codes.meaning(code))
            for at, code in told["events"]
        )
        promised = told.get("promised")
        return Report(
            TrackingNumber(number),
            (Shipment(events, estimated_delivery=promised and datetime.fromisoformat(promised)),),
        )


class Listing(Plain):
    """The same carrier, whose answer is [{"number": number, "told": what Plain's says}, ...]."""

    items = Items((), "number")

    def _told(self, answer: Any) -> Iterable[tuple[str, Any]]:
        self.read += [item["number"] for item in answer]
        return [(item["number"], item["told"]) for item in answer]


class Line:
    """An account's line to its carrier, and what the carrier says on it."""

    def __init__(self, carrier: Carrier) -> None:
        self.carrier = carrier
        self.budget: Budget | None = None
        self.told: dict[str, Any] = {}
        """What the carrier knows, by number."""
        self.answer: Callable[[Call], Reply | Exception | None] = lambda call: None
        """Something else than what it knows, where the test wants it."""
        self.asked: list[tuple[str, ...]] = []
        self.calls: list[Call] = []

    async def send(self, call: Call) -> Reply:
        assert self.budget is not None
        await self.budget.turn()
        self.asked.append(tuple(call.numbers))
        self.calls.append(call)
        self.budget.made()
        answer = self.answer(call)
        if isinstance(answer, Exception):
            raise answer
        if answer is not None:
            return answer
        told = {number: self.told.get(number) for number in call.numbers}
        listed = [{"number": number, "told": told[number]} for number in told]
        return Reply(call.numbers, 200, json.dumps(listed if isinstance(self.carrier, Listing) else told).encode())

    def tell(self, number: str, *events: tuple[float, str], promised: float | None = None) -> None:
        """What the carrier says of a number from now on: (hours after the start, code), oldest first."""
        told = [[(START + timedelta(hours=hours)).isoformat(), code] for hours, code in reversed(events)]
        self.told[number] = {"events": told}
        if promised is not None:
            self.told[number]["promised"] = (START + timedelta(hours=promised)).isoformat()


class Station:
    """A database with its clock, the parcels in it, and pollers on it."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.database = Database(folder / "tracker.db")
        self.database.migrate()
        self.writer = Writer(self.database)

    def close(self) -> None:
        self.writer.close()
        self.database.close()

    def poller_of(self, name: str, line: Line, rules: Rules, *, batch: int = 8, **quota: Any) -> Poller:
        """A poller as a process that has just started has it; the clock is the test's."""
        code = line.carrier.info.code
        line.budget = Budget(name, code, Quota(**quota), self.clock, self.writer)  # type: ignore[arg-type]
        poller = Poller(
            line.carrier,
            line,
            line.budget,
            self.writer,
            self.clock,  # type: ignore[arg-type]
            batch=batch,
            connections=1,
            rules=rules,
            roll_up_rule=RollUp.ATTENTION,
        )
        with self.database.write() as tx:
            poller.open(tx)
        return poller

    def import_orders(
        self,
        numbers: Iterable[str],
        *,
        known: Mapping[str, Info],
        routes: Routes = DIRECT,
        company: str = "Plain",
        created: datetime = START,
        **fields: Any,
    ) -> None:
        """Import an order for each number, whose fulfillment was `created` then."""
        orders = [
            {
                "sourceOrderId": f"#{number}",
                "fulfillments": [
                    {
                        "sourceFulfillmentId": f"F-{number}",
                        "fulfillmentStatus": "FULFILLED",
                        "sourceItemIds": [],
                        "trackingCompany": company,
                        "trackingNumber": [number],
                        "createdAt": created.isoformat(),
                    }
                ],
                **fields,
            }
            for number in numbers
        ]
        with self.database.write() as tx:
            found = intake.read_file("orders.json", json.dumps(orders).encode())
            intake.register(tx, found, self.clock.now(), known, routes=routes)

    def parcel(self, number: str) -> Any:
        return self.rows("SELECT * FROM parcels WHERE number = ?", number)[0]

    def rows(self, query: str, *values: object) -> list[Any]:
        with self.database.read() as tx:
            return list(tx.exec_driver_sql(query, values).all())

    def pushes(self) -> list[tuple[str, str]]:
        return [tuple(row) for row in self.rows("SELECT status, state FROM pushes ORDER BY id")]

    def account(self, name: str = "plain") -> Any:
        return self.rows("SELECT * FROM accounts WHERE name = ?", name)[0]

    def paused_for(self, name: str = "plain") -> float | None:
        """Seconds from now until the account is asked again."""
        until = self.account(name).paused_until
        return None if until is None else (datetime.fromisoformat(until) - self.clock.now()).total_seconds()

    def due(self) -> None:
        """All parcels are due."""
        with self.database.write() as tx:
            parcels.make_all_due(tx, self.clock.now())

    def until_due(self, number: str) -> timedelta:
        """Let the time pass until a parcel's turn; how long that was."""
        due = datetime.fromisoformat(self.parcel(number).next_poll_at)
        wait = due - self.clock.now()
        self.clock.time = max(due, self.clock.now())
        return wait

    def set(self, query: str, **values: object) -> None:
        """Make the database what an earlier day left."""
        with self.database.write() as tx:
            tx.exec_driver_sql(query, values)


class Bench(Station, Line):
    """One account of one carrier."""

    carrier: Plain

    def __init__(self, folder: Path) -> None:
        Station.__init__(self, folder)
        Line.__init__(self, Plain())

    def poller(self, *, mapping: Mapping[str, Meaning] | None = None, **options: Any) -> Poller:
        """A poller as a process that has just started has it."""
        return self.poller_of("plain", self, Rules(Cadence(jitter=0), timedelta(days=30), mapping or {}), **options)

    def poll(self, poller: Poller | None = None, **options: Any) -> Tally:
        """One heartbeat."""
        return asyncio.run((poller or self.poller(**options)).run(asyncio.Event()))

    def next_poll(self, number: str) -> Tally:
        """Let the time pass, turn by turn, until a parcel is asked about again: a turn may be put off."""
        while not (tally := (self.until_due(number), self.poll())[1]).calls:
            pass
        return tally

    def order(self, *numbers: str, **fields: Any) -> None:
        """Import an order for each number."""
        self.import_orders(numbers, known={"plain": Plain.info}, **fields)


NUMBERS = tuple(f"NUM{index:03}" for index in range(8))


def knows_all(bench: Bench, numbers: Iterable[str] = NUMBERS) -> None:
    bench.order(*numbers)
    for number in numbers:
        bench.tell(number, (0, "OC"), (1, "PU"))
