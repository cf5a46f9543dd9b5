"""The merchant's own mapping on a database: `tracker unmapped`, `tracker replay` and `tracker explain`."""

import asyncio
import io
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlalchemy import insert, select
from sqlmodel import SQLModel

from carriers.sdk.codes import Effect, Meaning
from carriers.sdk.events import ZoneSource
from carriers.sdk.exchange import Call, Reply
from carriers.sdk.registry import carrier
from carriers.sdk.status import ENDED
from carriers.sdk.status import FulfillmentStatus as S
from tracker.budget import Budget
from tracker.cadence import Cadence
from tracker.cli import main
from tracker.clock import Clock
from tracker.models import (
    Account,
    Fulfillment,
    FulfillmentParcel,
    Order,
    Parcel,
    ParcelEvent,
    Push,
    PushState,
    StatusChange,
)
from tracker.poll import Poller
from tracker.progress import Rules
from tracker.replay.replaying import CHUNK, STEP
from tracker.store.database import Database
from tracker.store.writer import Writer
from tracker.timeline import RollUp

NOW = datetime.now(UTC)
SHIPPED = NOW - timedelta(days=10)

CONFIG = """
database: tracker.db
orders: {token: a-token}
carriers:
  fedex: {credentials: {api_key: a-key, secret_key: a-secret}}
"""


class Ran(NamedTuple):
    code: object
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Tracker = Callable[..., Ran]


@pytest.fixture
def tracker(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Tracker:
    """`tracker …` in a folder with a config.yaml."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "240")
    configure(tmp_path)

    def run(*arguments: str) -> Ran:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        return Ran(ended.value.code, *capsys.readouterr())

    return run


def configure(folder: Path, mapping: str = "") -> None:
    """A config.yaml with this under `mapping:`."""
    (folder / "config.yaml").write_text(CONFIG + (f"mapping: {mapping}\n" if mapping else ""))


class Said(NamedTuple):
    """An event as it is stored: hours after the shipping, code, and what it was read as."""

    hours: float
    code: str
    status: S | None = None
    mapped: bool = True
    effect: Effect = Effect.NONE
    text: str = ""

    @property
    def description(self) -> str:
        return self.text or f"scan {self.code}"


PICKED_UP = Said(8, "PU", S.CARRIER_PICKED_UP)
DEPARTED = Said(30, "DP", S.IN_TRANSIT)
DELIVERED = Said(60, "DL", S.DELIVERED)
UNKNOWN = Said(40, "ZQ", mapped=False)


class Bench:
    """A database that is filled as polls would have filled it."""

    def __init__(self, folder: Path) -> None:
        self.database = Database(folder / "tracker.db")
        self.database.migrate()
        self.parcels = 0
        self.fulfillments = 0

    def add(self, *rows: SQLModel) -> None:
        with self.database.write() as tx:
            for row in rows:
                values = {name: value for name, value in row.model_dump().items() if name != "id" or value is not None}
                tx.execute(insert(type(row)).values(values))

    def parcel(self, *told: Said, status: S | None, decided: Said | None = None, **fields: Any) -> int:
        """A parcel with these events, whose status `decided` made; its id."""
        self.parcels += 1
        id = self.parcels
        said = {} if decided is None else {"status_at": at(decided), "reason": f"{decided.code}: {decided.description}"}
        ended = {"ended_at": NOW - timedelta(days=3)} if status in ENDED else {"next_poll_at": NOW + timedelta(hours=2)}
        moving = [at(one) for one in told if one.mapped and Meaning(one.status, one.effect).moves]
        received = [at(one) for one in told if one.status is S.DELIVERED]
        defaults: dict[str, Any] = {
            **{"carrier": "fedex", "source": "fedex", "route": "fedex", "fulfilled_at": SHIPPED, "known": True},
            **{"last_movement_at": max(moving, default=None), "delivered_at": max(received, default=None)},
            **{"fingerprint": "as-read", **ended, **said},
        }
        number = fields.pop("number", f"7946000{id:05}")
        self.add(Parcel(id=id, number=number, status=status, **{**defaults, **fields}))
        for key, one in enumerate(told):
            self.add(event(id, str(key), one, fields.get("carrier", "fedex")))
        return id

    def fulfillment(self, *parcels: int, status: S, order: str = "", **fields: Any) -> int:
        """A fulfillment of these parcels, in an order of its own; its id."""
        self.fulfillments += 1
        id = self.fulfillments
        self.add(
            Order(id=id, source_order_id=order or f"#{id}"),
            Fulfillment(
                id=id,
                order_id=id,
                source_fulfillment_id=f"f-{id}",
                payload="{}",
                status=status,
                fulfilled_at=SHIPPED,
                status_at=SHIPPED,
                **fields,
            ),
            *(FulfillmentParcel(fulfillment_id=id, parcel_id=one, position=at) for at, one in enumerate(parcels)),
        )
        return id

    def rows(self, query: str, *values: object) -> list[Any]:
        with self.database.read() as tx:
            return list(tx.exec_driver_sql(query, values).all())

    def status(self, parcel: int) -> str | None:
        return self.rows("SELECT status FROM parcels WHERE id = ?", parcel)[0][0]  # type: ignore[no-any-return]

    def pushes(self) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self.rows("SELECT fulfillment_id, status, state FROM pushes ORDER BY id")]

    def everything(self) -> list[Any]:
        """All that a replay may write."""
        models = (ParcelEvent, Parcel, Fulfillment, StatusChange, Push)
        with self.database.read() as tx:
            return [list(tx.execute(select(model))) for model in models]


def at(said: Said) -> datetime:
    return SHIPPED + timedelta(hours=said.hours)


def event(parcel: int, key: str, said: Said, source: str, **fields: Any) -> ParcelEvent:
    return ParcelEvent(
        parcel_id=parcel,
        key=key,
        source=source,
        occurred_at=at(said),
        utc_offset=-300,
        zone=ZoneSource.GIVEN,
        code=said.code,
        mapped=said.mapped,
        status=said.status,
        effect=said.effect,
        description=said.description,
        seen_at=at(said) + timedelta(hours=1),
        **fields,
    )


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.database.close()


@pytest.fixture
def shop(bench: Bench) -> Bench:
    """Two parcels that stand where a code nobody knew leaves them, each of its own fulfillment."""
    for _ in range(2):
        id = bench.parcel(UNKNOWN, DEPARTED, PICKED_UP, status=S.IN_TRANSIT, decided=DEPARTED)
        bench.fulfillment(id, status=S.IN_TRANSIT)
    return bench


# unmapped


def test_unmapped_counts_codes_with_first_and_last_sight_and_a_sample(tracker: Tracker, shop: Bench) -> None:
    later = Said(50, "ZQ", mapped=False, text="Held for the lord of the manor")
    shop.parcel(later, Said(45, "YY", mapped=False), status=None)

    ran = tracker("unmapped", "--json")

    first, second = ran.json["unmapped"]
    assert (ran.code, ran.err, ran.json["cured"]) == (0, "", [])
    assert first == {
        "carrier": "fedex",
        "code": "ZQ",
        "events": 3,
        "parcels": 3,
        "firstSeen": (at(UNKNOWN) + timedelta(hours=1)).isoformat(),
        "lastSeen": (at(later) + timedelta(hours=1)).isoformat(),
        "sample": {"text": "Held for the lord of the manor", "trackingNumber": "794600000003"},
        "means": None,
    }
    assert (second["code"], second["parcels"]) == ("YY", 1)


def test_unmapped_for_people_says_what_to_paste(tracker: Tracker, shop: Bench) -> None:
    ran = tracker("unmapped")

    assert ran.code == 0
    assert 'mapping:\n  fedex:\n    "ZQ": STATUS  # scan ZQ\n' in ran.out


def test_what_unmapped_says_to_paste_is_sound_once_the_status_is_filled_in(
    tracker: Tracker, bench: Bench, tmp_path: Path
) -> None:
    for code in ("07", "NO", "A: B", 'say "x"'):
        bench.parcel(Said(3, code, mapped=False, text="a: text\nin # lines"), status=None)
    pasted = tracker("unmapped").out.partition("mapping:\n")[2]
    mapping = tmp_path / "mine.yaml"

    mapping.write_text(f"mapping:\n{pasted}")
    refused = tracker("replay", "--mapping", "mine.yaml")
    mapping.write_text(f"mapping:\n{pasted.replace('STATUS', 'ON_HOLD')}")
    taken = tracker("replay", "--mapping", "mine.yaml", "--json")

    assert refused.code == 2
    assert "unknown fulfillment status 'STATUS'" in refused.err
    assert {code["code"] for code in taken.json["codes"]} == {"07", "NO", "A: B", 'say "x"'}


def test_unmapped_keeps_to_one_carrier(tracker: Tracker, shop: Bench) -> None:
    ran = tracker("unmapped", "--carrier", "ups", "--json")

    assert (ran.code, ran.json) == (3, {"unmapped": [], "cured": []})


@pytest.mark.parametrize("command", ["unmapped", "replay"])
def test_a_carrier_nobody_knows_is_refused(tracker: Tracker, shop: Bench, command: str) -> None:
    ran = tracker(command, "--carrier", "nocarrier", "--json")

    assert (ran.code, ran.out) == (2, "")
    assert "unknown carrier 'nocarrier'; known: " in ran.err


def test_a_code_the_mapping_knows_by_now_is_cured_until_a_replay_has_read_it(
    tracker: Tracker, shop: Bench, tmp_path: Path
) -> None:
    configure(tmp_path, "{fedex: {zq: on-hold}}")

    before = tracker("unmapped", "--json")
    tracker("replay", "--apply")
    after = tracker("unmapped", "--json")

    assert (before.code, before.json["unmapped"]) == (3, [])
    assert [(seen["code"], seen["means"]) for seen in before.json["cured"]] == [("ZQ", "ON_HOLD")]
    assert "fedex ZQ; `tracker replay`" in before.err
    assert after.json == {"unmapped": [], "cured": []}


def test_a_text_that_is_mapped_cures_the_events_with_that_text_alone(
    tracker: Tracker, bench: Bench, tmp_path: Path
) -> None:
    for text in ("At the border", "At the  BORDER", "At the zoo"):
        bench.parcel(Said(3, "ZQ", mapped=False, text=text), status=None)
    configure(tmp_path, "{fedex: {at the border: ON_HOLD}}")

    ran = tracker("unmapped", "--json")

    assert [(seen["code"], seen["events"]) for seen in ran.json["unmapped"]] == [("ZQ", 1)]
    assert [(seen["code"], seen["events"]) for seen in ran.json["cured"]] == [("ZQ", 2)]


# replay


def test_replay_shows_what_would_change_and_writes_nothing(tracker: Tracker, shop: Bench, tmp_path: Path) -> None:
    configure(tmp_path, "{fedex: {ZQ: ON_HOLD}}")
    before = shop.everything()

    ran = tracker("replay", "--json")

    assert (ran.code, ran.err) == (0, "")
    assert shop.everything() == before
    assert ran.json == {
        "applied": False,
        "read": {"parcels": 2, "codes": 6},
        "codes": [
            {
                **{"carrier": "fedex", "code": "ZQ", "from": None, "to": "ON_HOLD"},
                **{"by": "mapping", "events": 2, "parcels": 2},
            }
        ],
        "statuses": [{"carrier": "fedex", "code": "ZQ", "from": "IN_TRANSIT", "to": "ON_HOLD", "parcels": 2}],
        "parcels": [
            {
                **{"trackingNumber": f"79460000000{id}", "carrier": "fedex", "from": "IN_TRANSIT", "to": "ON_HOLD"},
                "because": {"carrier": "fedex", "code": "ZQ", "text": "scan ZQ"},
            }
            for id in (1, 2)
        ],
        "fulfillments": [
            {
                **{"sourceFulfillmentId": f"f-{id}", "sourceOrderId": f"#{id}", "from": "IN_TRANSIT"},
                **{"to": "ON_HOLD", "reason": "replayed: ZQ: scan ZQ"},
            }
            for id in (1, 2)
        ],
        "undecided": 0,
    }


def test_replay_for_people_counts_by_code_and_says_how_to_apply(tracker: Tracker, shop: Bench, tmp_path: Path) -> None:
    configure(tmp_path, "{fedex: {ZQ: ON_HOLD}}")

    ran = tracker("replay")

    assert "2 parcels: IN_TRANSIT → ON_HOLD because of fedex ZQ" in ran.out
    assert "With --apply" in ran.out
    assert ran.err == ""


def test_replay_applied_rewrites_events_and_parcels_and_pushes(tracker: Tracker, shop: Bench, tmp_path: Path) -> None:
    configure(tmp_path, "{fedex: {ZQ: ON_HOLD}}")
    told = tracker("replay", "--json").json

    ran = tracker("replay", "--apply", "--json")

    assert ran.json == {**told, "applied": True}
    assert shop.rows("SELECT DISTINCT mapped, status FROM events WHERE code = 'ZQ'") == [(1, "ON_HOLD")]
    assert shop.rows("SELECT DISTINCT status, status_at, reason, fingerprint FROM parcels") == [
        ("ON_HOLD", at(UNKNOWN).isoformat(timespec="microseconds"), "ZQ: scan ZQ", "")
    ]
    assert shop.rows("SELECT DISTINCT status, reason FROM fulfillments") == [("ON_HOLD", "replayed: ZQ: scan ZQ")]
    assert shop.rows("SELECT status, reason FROM status_history") == [("ON_HOLD", "replayed: ZQ: scan ZQ")] * 2
    assert shop.pushes() == [(1, "ON_HOLD", "waiting"), (2, "ON_HOLD", "waiting")]


def test_replay_applied_twice_changes_nothing_more(tracker: Tracker, shop: Bench, tmp_path: Path) -> None:
    configure(tmp_path, "{fedex: {ZQ: ON_HOLD}}")
    tracker("replay", "--apply")
    once = shop.everything()

    ran = tracker("replay", "--apply", "--json")

    assert ran.code == 0
    assert (ran.json["codes"], ran.json["parcels"], ran.json["fulfillments"]) == ([], [], [])
    assert shop.everything() == once
    assert "nothing changes" in tracker("replay", "--apply").out


def test_replay_by_a_file_reads_by_that_alone_and_warns_that_the_daemon_does_not(
    tracker: Tracker, shop: Bench, tmp_path: Path
) -> None:
    configure(tmp_path, "{fedex: {ZQ: ON_HOLD}}")
    (tmp_path / "mine.yaml").write_text("fedex:\n  ZQ: DELAYED\n")

    ran = tracker("replay", "--mapping", "mine.yaml", "--apply", "--json")

    assert [code["to"] for code in ran.json["codes"]] == ["DELAYED"]
    assert "put mine.yaml under `mapping:`" in ran.err


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("fedex:\n  ZQ: LOST\n", "mine.yaml:2: fedex.ZQ: unknown fulfillment status 'LOST'"),
        ("fedex:\n  ZQ: FULFILLED\n", "mine.yaml:2: fedex.ZQ: FULFILLED is the merchant's side's word"),
        ("fedex:\n  ZQ: DELAYED\n  zq: ON_HOLD\n", "mine.yaml:3: fedex.zq: can never match"),
        ("mapping:\n  pigeon:\n    ZQ: DELAYED\n", "mine.yaml:2: mapping.pigeon: unknown carrier"),
        ("fedex: [ZQ]\n", "mine.yaml:1: fedex: "),
        ("- fedex\n", "mine.yaml: expected"),
        ("fedex: {ZQ\n", "not YAML"),
        (None, "mine.yaml: no such file"),
    ],
)
def test_a_bad_mapping_file_is_refused_with_its_line_and_changes_nothing(
    tracker: Tracker, shop: Bench, tmp_path: Path, content: str | None, told: str
) -> None:
    if content is not None:
        (tmp_path / "mine.yaml").write_text(content)
    before = shop.everything()

    ran = tracker("replay", "--mapping", "mine.yaml", "--apply", "--json")

    assert (ran.code, ran.out) == (2, "")
    assert told in ran.err
    assert shop.everything() == before


@pytest.mark.parametrize(("since", "read"), [("8d", 0), ("20d", 2), (SHIPPED.date().isoformat(), 2)])
def test_replay_since(tracker: Tracker, shop: Bench, tmp_path: Path, since: str, read: int) -> None:
    configure(tmp_path, "{fedex: {ZQ: ON_HOLD}}")

    ran = tracker("replay", "--since", since, "--json")

    assert ran.json["read"]["parcels"] == read
    assert len(ran.json["parcels"]) == read


@pytest.mark.parametrize("since", ["yesterday", "99999w 99999w", "2026-13-01"])
def test_replay_since_sometime_is_refused(tracker: Tracker, shop: Bench, since: str) -> None:
    ran = tracker("replay", "--since", since)

    assert ran.code == 2
    assert f"--since: {since!r} is neither a date such as 2026-03-01 nor a time back such as 7d" in ran.err


def test_replay_of_one_carrier_leaves_the_others_codes(tracker: Tracker, shop: Bench, tmp_path: Path) -> None:
    configure(tmp_path, "{fedex: {ZQ: ON_HOLD}, ups: {ZQ: ON_HOLD}}")
    shop.parcel(UNKNOWN, carrier="ups", number="1Z0000000000000007", status=None)

    ran = tracker("replay", "--carrier", "ups", "--apply", "--json")

    assert [parcel["trackingNumber"] for parcel in ran.json["parcels"]] == ["1Z0000000000000007"]
    assert [shop.status(id) for id in (1, 2, 3)] == ["IN_TRANSIT", "IN_TRANSIT", "ON_HOLD"]


def test_of_a_parcel_that_two_told_of_only_the_one_asked_for_is_read_again(
    tracker: Tracker, bench: Bench, tmp_path: Path
) -> None:
    id = bench.parcel(UNKNOWN, DEPARTED, status=S.IN_TRANSIT, decided=DEPARTED)
    bench.add(event(id, "other", Said(20, "ZQ", mapped=False), "ups"))
    configure(tmp_path, "{fedex: {ZQ: ON_HOLD}, ups: {ZQ: ON_HOLD}}")

    ran = tracker("replay", "--carrier", "ups", "--apply", "--json")

    assert [(code["carrier"], code["events"]) for code in ran.json["codes"]] == [("ups", 1)]
    assert bench.rows("SELECT source, mapped FROM events WHERE code = 'ZQ' ORDER BY 1") == [("fedex", 0), ("ups", 1)]


def test_looking_waits_for_no_writer(tracker: Tracker, shop: Bench, tmp_path: Path) -> None:
    configure(tmp_path, "{fedex: {ZQ: ON_HOLD}}")

    with shop.database.write():
        ran = tracker("replay", "--json")

    assert len(ran.json["parcels"]) == 2


def test_no_transaction_tears_a_fulfillment_apart(tracker: Tracker, bench: Bench, tmp_path: Path) -> None:
    held = bench.parcel(UNKNOWN, DEPARTED, status=S.IN_TRANSIT, decided=DEPARTED)
    for _ in range(CHUNK - 1):
        bench.parcel(UNKNOWN, status=None)
    tried = bench.parcel(Said(41, "YY", mapped=False), DEPARTED, status=S.IN_TRANSIT, decided=DEPARTED)
    bench.fulfillment(held, tried, status=S.IN_TRANSIT)
    configure(tmp_path, "{fedex: {ZQ: ON_HOLD, YY: ATTEMPTED_DELIVERY}}")

    tracker("replay", "--apply")

    assert bench.pushes() == [(1, "ATTEMPTED_DELIVERY", "waiting")]


def test_several_parcels_of_a_fulfillment_come_to_one_status_and_one_push(
    tracker: Tracker, bench: Bench, tmp_path: Path
) -> None:
    one, other = (
        bench.parcel(UNKNOWN, DEPARTED, status=S.IN_TRANSIT, decided=DEPARTED),
        bench.parcel(Said(41, "YY", mapped=False), DEPARTED, status=S.IN_TRANSIT, decided=DEPARTED),
    )
    bench.fulfillment(one, other, status=S.IN_TRANSIT)
    configure(tmp_path, "{fedex: {ZQ: OUT_FOR_DELIVERY, YY: ATTEMPTED_DELIVERY}}")

    ran = tracker("replay", "--apply", "--json")

    assert [bench.status(id) for id in (one, other)] == ["OUT_FOR_DELIVERY", "ATTEMPTED_DELIVERY"]
    assert [change["to"] for change in ran.json["fulfillments"]] == ["ATTEMPTED_DELIVERY"]
    assert bench.pushes() == [(1, "ATTEMPTED_DELIVERY", "waiting")]


def test_a_delivery_that_was_none_is_followed_again_at_once(tracker: Tracker, bench: Bench, tmp_path: Path) -> None:
    wrong = Said(60, "HL", S.DELIVERED)
    id = bench.parcel(wrong, DEPARTED, status=S.DELIVERED, decided=wrong)
    bench.fulfillment(id, status=S.DELIVERED)

    tracker("replay", "--apply")

    (row,) = bench.rows("SELECT status, delivered_at, ended_at, next_poll_at IS NOT NULL FROM parcels")
    assert tuple(row) == ("READY_FOR_PICKUP", None, None, 1)
    assert bench.pushes() == [(1, "READY_FOR_PICKUP", "waiting")]


def test_a_parcel_nobody_follows_is_not_polled_again(tracker: Tracker, bench: Bench, tmp_path: Path) -> None:
    wrong = Said(60, "HL", S.DELIVERED)
    id = bench.parcel(wrong, status=S.DELIVERED, decided=wrong)
    bench.fulfillment(id, status=S.DELIVERED, withdrawn_at=NOW)

    tracker("replay", "--apply")

    assert [tuple(row) for row in bench.rows("SELECT status, next_poll_at FROM parcels")] == [
        ("READY_FOR_PICKUP", None)
    ]
    assert bench.pushes() == []


def test_a_parcel_that_turns_out_delivered_has_its_delivery_instant(
    tracker: Tracker, shop: Bench, tmp_path: Path
) -> None:
    configure(tmp_path, "{fedex: {ZQ: DELIVERED}}")

    tracker("replay", "--apply")

    (row,) = shop.rows("SELECT DISTINCT delivered_at, last_movement_at, ended_at IS NOT NULL FROM parcels")
    moment = at(UNKNOWN).isoformat(timespec="microseconds")
    assert tuple(row) == (moment, moment, 1)


def test_a_withdrawn_event_is_read_again_but_decides_nothing(tracker: Tracker, bench: Bench, tmp_path: Path) -> None:
    id = bench.parcel(DEPARTED, status=S.IN_TRANSIT, decided=DEPARTED)
    bench.add(event(id, "gone", UNKNOWN, "fedex", withdrawn_at=NOW))
    configure(tmp_path, "{fedex: {ZQ: ON_HOLD}}")

    ran = tracker("replay", "--apply", "--json")

    assert ran.json["parcels"] == []
    assert bench.status(id) == "IN_TRANSIT"
    assert bench.rows("SELECT mapped, status FROM events WHERE key = 'gone'") == [(1, "ON_HOLD")]


def test_more_parcels_than_one_step_and_one_transaction_take(tracker: Tracker, bench: Bench, tmp_path: Path) -> None:
    count = STEP + CHUNK + 1
    first: dict[str, Any] = {"carrier": "fedex", "source": "fedex", "fulfilled_at": SHIPPED, "known": True}
    parcels = [Parcel(id=id, number=f"9{id:011}", **first) for id in range(1, count + 1)]
    bench.add(*parcels, *(event(one.id or 0, "0", UNKNOWN, "fedex") for one in parcels))
    configure(tmp_path, "{fedex: {ZQ: ON_HOLD}}")

    ran = tracker("replay", "--apply", "--json")

    assert ran.json["read"] == {"parcels": count, "codes": count}
    assert bench.rows("SELECT status, COUNT(*) FROM parcels GROUP BY 1") == [("ON_HOLD", count)]


class Line:
    """FedEx's side of the line: while it is asked about a parcel, somebody replays."""

    def __init__(self, answer: dict[str, Any], meanwhile: Callable[[], object]) -> None:
        self._answer, self._meanwhile = answer, meanwhile

    async def send(self, call: Call) -> Reply:
        self._meanwhile()
        return Reply(call.numbers, 200, json.dumps(self._answer).encode())


def fedex_answer(number: str, *said: Said) -> dict[str, Any]:
    scans = [
        {"date": at(one).isoformat(timespec="seconds"), "eventType": one.code, "eventDescription": one.description}
        for one in said
    ]
    result = {"trackingNumberInfo": {"trackingNumber": number}, "scanEvents": scans}
    return {"output": {"completeTrackResults": [{"trackingNumber": number, "trackResults": [result]}]}}


@pytest.mark.parametrize(
    ("answered", "status", "pushed"),
    [((), "ON_HOLD", [S.ON_HOLD]), ((DELIVERED,), "DELIVERED", [S.ON_HOLD, S.DELIVERED])],
)
def test_a_replay_while_a_parcel_is_asked_about_loses_neither_its_own_work_nor_the_polls(
    tracker: Tracker, bench: Bench, tmp_path: Path, answered: Sequence[Said], status: str, pushed: list[S]
) -> None:
    known = (UNKNOWN, DEPARTED, PICKED_UP)
    id = bench.parcel(*known, status=S.IN_TRANSIT, decided=DEPARTED, next_poll_at=NOW - timedelta(hours=1))
    bench.fulfillment(id, status=S.IN_TRANSIT)
    configure(tmp_path, "{fedex: {ZQ: ON_HOLD}}")
    leases: list[Any] = []

    def replayed() -> None:
        leases.extend(bench.rows("SELECT lease_token FROM parcels"))
        tracker("replay", "--apply")
        leases.extend(bench.rows("SELECT lease_token FROM parcels"))

    writer, clock = Writer(bench.database), Clock()
    fedex = carrier("fedex")
    rules = Rules(Cadence(), timedelta(days=30), {"ZQ": Meaning(S.ON_HOLD)}, source="fedex")
    poller = Poller(
        fedex,
        Line(fedex_answer("794600000001", *answered, *known), replayed),
        Budget("fedex", "fedex", fedex.info.quota, clock, writer),
        writer,
        clock,
        batch=1,
        connections=1,
        rules=rules,
        roll_up_rule=RollUp.ATTENTION,
    )
    with bench.database.write() as tx:
        poller.open(tx)
    tally = asyncio.run(poller.run(asyncio.Event()))
    writer.close()

    assert tally.polls == 1
    assert leases[0] == leases[1]
    assert leases[0][0]
    assert bench.rows("SELECT status, lease_token FROM parcels") == [(status, None)]
    assert [S(row[1]) for row in bench.pushes()] == pushed


# explain


@pytest.fixture
def chain(bench: Bench, tmp_path: Path) -> Bench:
    """A fulfillment of two parcels: one read in every way, one given to an account that is paused."""
    configure(tmp_path, '{fedex: {"SE": ON_HOLD}}')
    kept = Said(20, "QQ", S.DELAYED)
    held = Said(50, "SE", S.ON_HOLD)
    note = Said(55, "DR", None)
    one = bench.parcel(note, held, UNKNOWN, DEPARTED, kept, PICKED_UP, status=S.ON_HOLD, decided=held)
    bench.add(event(one, "gone", Said(56, "OD", S.OUT_FOR_DELIVERY), "fedex", withdrawn_at=NOW))
    other = bench.parcel(DEPARTED, status=S.IN_TRANSIT, decided=DEPARTED, last_error="BadPayload: HTML")
    bench.fulfillment(one, other, status=S.ON_HOLD, order="#517AB", reason="SE: scan SE")
    bench.add(
        Account(name="fedex", carrier="fedex", paused_until=NOW + timedelta(hours=1), paused_reason="AuthFailed: 401"),
        *(
            StatusChange(fulfillment_id=1, status=status, at=moment, recorded_at=moment, reason=f"why {status}")
            for status, moment in zip(CHANGES, MOMENTS, strict=True)
        ),
        *(
            Push(
                fulfillment_id=1,
                status=status,
                created_at=moment,
                next_attempt_at=moment,
                **fields,
            )
            for status, moment, fields in zip(CHANGES[1:], MOMENTS[1:], PUSHES, strict=True)
        ),
    )
    return bench


CHANGES = (S.AWAITING_SHIPMENT, S.CARRIER_PICKED_UP, S.DELAYED, S.IN_TRANSIT, S.DELAYED, S.ON_HOLD)
MOMENTS = tuple(SHIPPED + timedelta(hours=hours) for hours in (0, 9, 21, 31, 41, 51))
PUSHES: tuple[dict[str, Any], ...] = (
    {"state": PushState.SENT, "attempts": 2, "done_at": MOMENTS[1]},
    {"state": PushState.SUPERSEDED, "done_at": MOMENTS[3]},
    {"state": PushState.DROPPED, "done_at": MOMENTS[4], "last_error": "HTTP 400: no such order"},
    {"state": PushState.DEAD, "attempts": 30, "last_error": "HTTP 400: bad body"},
    {"state": PushState.WAITING, "attempts": 3, "last_error": "HTTP 503"},
)


@pytest.mark.parametrize("reference", ["f-1", "#517AB", "794600000001", "7946 0000 0002"])
def test_explain_takes_a_number_a_fulfillment_or_an_order(tracker: Tracker, chain: Bench, reference: str) -> None:
    ran = tracker("explain", reference, "--json")

    assert (ran.code, ran.err) == (0, "")
    assert [found["sourceFulfillmentId"] for found in ran.json] == ["f-1"]
    assert list(ran.json[0]) == [
        *("sourceFulfillmentId", "sourceOrderId", "status", "statusAt", "reason", "aggregate", "why"),
        *("parcels", "changes"),
    ]
    assert list(ran.json[0]["parcels"][0]) == [
        *("trackingNumber", "carrier", "status", "statusAt", "reason", "why", "asked", "nextPoll", "events"),
    ]


def test_explain_of_something_unknown_ends_with_3(tracker: Tracker, chain: Bench) -> None:
    ran = tracker("explain", "f-999", "--json")

    assert (ran.code, ran.json) == (3, [])
    assert "f-999" in ran.err


def test_explain_names_the_rule_for_each_event_and_the_one_that_decided(tracker: Tracker, chain: Bench) -> None:
    events = tracker("explain", "f-1", "--json").json[0]["parcels"][0]["events"]

    read = [(one["code"], one["means"], one["rule"]["by"], one["decided"]) for one in events]
    assert read == [
        ("OD", "OUT_FOR_DELIVERY", "table", False),
        ("DR", "INFORMATIONAL", "table", False),
        ("SE", "ON_HOLD", "mapping", True),
        ("ZQ", None, "unknown", False),
        ("DP", "IN_TRANSIT", "table", False),
        ("QQ", "DELAYED", "kept", False),
        ("PU", "CARRIER_PICKED_UP", "table", False),
    ]
    assert events[0]["withdrawnAt"] is not None
    assert events[2]["occurredAt"].endswith("-05:00")
    assert datetime.fromisoformat(events[2]["occurredAtUtc"]) == datetime.fromisoformat(events[2]["occurredAt"])
    assert events[2]["rule"]["words"] == "your mapping, SE"


def test_explain_tells_where_a_parcel_is_asked_about_and_why_not_now(tracker: Tracker, chain: Bench) -> None:
    (found,) = tracker("explain", "f-1", "--json").json

    first, second = found["parcels"]
    assert first["asked"]["accounts"][0]["pausedReason"] == "AuthFailed: 401"
    assert "fedex is paused until" in first["nextPoll"]["why"]
    assert first["why"] == "SE is the newest event that means a status"
    assert second["asked"]["lastError"] == "BadPayload: HTML"
    assert found["why"] == "polling.aggregate is attention: 794600000001 needs a look, and that goes first"


def test_explain_tells_what_became_of_every_status(tracker: Tracker, chain: Bench) -> None:
    changes = tracker("explain", "f-1", "--json").json[0]["changes"]

    assert [change["status"] for change in changes] == [status.value for status in CHANGES]
    by_import, *pushed = [change["why"] for change in changes]
    assert by_import == "not pushed: the merchant's side said so itself, by import"
    for why, told in zip(
        pushed,
        (
            "accepted by Order Protection",
            "not pushed: a newer status overtook it",
            "not pushed: given up",
            "refused for good after 30 attempts: HTTP 400: bad body; mend it, then `tracker outbox retry 4`",
            "due since",
        ),
        strict=True,
    ):
        assert why.startswith(told)
    assert pushed[-1].endswith("HTTP 503; the daemon takes it if it runs")


def test_explain_tells_that_a_push_waits_and_for_what(tracker: Tracker, chain: Bench) -> None:
    waiting: dict[str, Any] = {"fulfillment_id": 1, "status": S.DELIVERED, "created_at": NOW, "next_attempt_at": NOW}
    chain.add(Push(**waiting))

    def last() -> list[str]:
        return [change["why"] for change in tracker("explain", "f-1", "--json").json[0]["changes"][-2:]]

    behind = last()
    chain.add(Account(name="order_protection", carrier="order_protection", paused_until=NOW + timedelta(hours=1)))
    paused = last()

    assert behind[1] == "waits behind an older push of the same fulfillment"
    assert "Order Protection is paused until" in paused[0]


def test_explain_for_people_tells_the_same(tracker: Tracker, chain: Bench) -> None:
    ran = tracker("explain", "f-1")

    assert ran.code == 0
    for told in ("your mapping, SE", "table of FedEx", "`tracker unmapped`", "paused until", "HTTP 400: bad body"):
        assert told in ran.out


def test_explain_says_when_an_event_would_be_read_differently_now(
    tracker: Tracker, shop: Bench, tmp_path: Path
) -> None:
    configure(tmp_path, "{fedex: {ZQ: ON_HOLD}}")

    event = tracker("explain", "f-1", "--json").json[0]["parcels"][0]["events"][0]

    assert (event["means"], event["rule"]["means"]) == (None, "ON_HOLD")
    assert "now ON_HOLD: `tracker replay`" in tracker("explain", "f-1").out


@pytest.mark.parametrize(
    ("reason", "status", "told"),
    [
        ("overdue: promised by 2026-03-09", S.DELAYED, "the tracker's own word"),
        ("summary IT: On the way", S.IN_TRANSIT, "the carrier's word for the whole shipment"),
        ("never known to the carrier since 2026-03-01", S.FAILURE, "given up: never known"),
        ("ZQ: scan ZQ", S.DELAYED, "ZQ is in no table; the carrier's coarse word for that event decided"),
        ("", None, "no status: no rule reads any of its events as one"),
    ],
)
def test_explain_tells_what_decided_when_no_code_did(
    tracker: Tracker, bench: Bench, reason: str, status: S | None, told: str
) -> None:
    id = bench.parcel(UNKNOWN, status=status, decided=UNKNOWN, **{"reason": reason})
    bench.fulfillment(id, status=status or S.SCHEDULED)

    assert told in tracker("explain", "f-1", "--json").json[0]["parcels"][0]["why"]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"carrier": "", "source": "", "route": ""}, "never: nobody knows its carrier"),
        ({"next_poll_at": None}, "never again: silent"),
        ({"next_poll_at": NOW - timedelta(hours=1)}, "due since"),
        ({"lease_until": NOW + timedelta(hours=1), "lease_token": "x"}, "being asked about right now"),
        ({"carrier": "ups", "source": "ups"}, "no account for ups is on"),
        ({}, "somebody wants it asked about"),
        ({"look_at": NOW + timedelta(hours=2)}, "in transit since"),
    ],
)
def test_explain_tells_when_a_parcel_is_asked_about_next(
    tracker: Tracker, bench: Bench, fields: dict[str, Any], told: str
) -> None:
    id = bench.parcel(DEPARTED, status=S.IN_TRANSIT, decided=DEPARTED, **fields)
    bench.fulfillment(id, status=S.IN_TRANSIT)

    assert told in tracker("explain", "f-1", "--json").json[0]["parcels"][0]["nextPoll"]["why"]


@pytest.mark.parametrize("command", [("unmapped",), ("replay",), ("replay", "--apply"), ("explain", "x")])
def test_before_there_is_a_database_they_say_what_makes_one(tracker: Tracker, command: tuple[str, ...]) -> None:
    ran = tracker(*command)

    assert ran.code == 3
    assert "`tracker import` or `tracker run` makes it" in ran.err
