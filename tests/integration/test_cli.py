"""The commands that read and write the database, on one made for each test."""

import csv
import io
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlalchemy import insert
from sqlmodel import SQLModel

from carriers.sdk.events import ZoneSource
from carriers.sdk.status import FulfillmentStatus
from tracker.cli import main
from tracker.models import (
    Fulfillment,
    FulfillmentParcel,
    Order,
    Parcel,
    ParcelEvent,
    Push,
    PushState,
    StatusChange,
)
from tracker.store.database import Database

S = FulfillmentStatus
NOW = datetime.now(UTC)
SHIPPED = datetime(2026, 3, 2, 9, tzinfo=UTC)

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
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "config.yaml").write_text(CONFIG)

    def run(*arguments: str, stdin: bytes = b"") -> Ran:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        return Ran(ended.value.code, *capsys.readouterr())

    return run


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An empty database where config.yaml names it."""
    made = Database(tmp_path / "tracker.db")
    made.migrate()
    yield made
    made.close()


def add(database: Database, *rows: SQLModel) -> None:
    with database.write() as tx:
        for row in rows:
            tx.execute(insert(type(row)).values(row.model_dump()))


def parcel(id: int, number: str, carrier: str = "fedex", **fields: Any) -> Parcel:
    return Parcel(id=id, carrier=carrier, number=number, **{"fulfilled_at": SHIPPED, **fields})


def fulfillment(id: int, order_id: int, status: FulfillmentStatus, **fields: Any) -> Fulfillment:
    return Fulfillment(
        id=id,
        order_id=order_id,
        source_fulfillment_id=f"f-{id}",
        tracking_company="FedEx",
        payload="{}",
        fulfilled_at=SHIPPED,
        status=status,
        status_at=SHIPPED + timedelta(days=1),
        **fields,
    )


def event(key: str, code: str, at: datetime, status: FulfillmentStatus | None, **fields: Any) -> ParcelEvent:
    return ParcelEvent(
        parcel_id=1,
        key=key,
        occurred_at=at,
        zone=ZoneSource.GIVEN,
        code=code,
        status=status,
        description=f"scan {code}",
        seen_at=NOW,
        **{"mapped": True, **fields},
    )


def push(id: int, fulfillment_id: int, status: FulfillmentStatus, state: PushState, **fields: Any) -> Push:
    return Push(
        id=id,
        fulfillment_id=fulfillment_id,
        status=status,
        state=state,
        created_at=SHIPPED,
        next_attempt_at=NOW + timedelta(hours=1),
        **fields,
    )


@pytest.fixture
def shop(database: Database) -> Database:
    """Two orders: one fulfillment of two boxes under way, one delivered whose push is dead, one withdrawn."""
    add(
        database,
        Order(id=1, source_order_id="#517AB"),
        Order(id=2, source_order_id="518"),
        fulfillment(1, 1, S.IN_TRANSIT),
        fulfillment(2, 2, S.DELIVERED),
        fulfillment(3, 2, S.CONFIRMED, withdrawn_at=NOW),
        parcel(
            1,
            "794600000017",
            status=S.IN_TRANSIT,
            status_at=SHIPPED + timedelta(hours=30),
            last_movement_at=SHIPPED + timedelta(hours=30),
            estimated_delivery=NOW - timedelta(days=1),
            next_poll_at=NOW + timedelta(hours=2),
        ),
        parcel(2, "1Z0000000000000007", "ups", last_error="NotFound: not known yet", fulfilled_at=NOW),
        parcel(3, "794600000028", status=S.DELIVERED, ended_at=NOW, estimated_delivery=NOW - timedelta(days=2)),
        FulfillmentParcel(fulfillment_id=1, parcel_id=1, position=0),
        FulfillmentParcel(fulfillment_id=1, parcel_id=2, position=1, tracking_url="https://shop.example/2"),
        FulfillmentParcel(fulfillment_id=2, parcel_id=3),
        event(
            "a", "PU", SHIPPED + timedelta(hours=8), S.CARRIER_PICKED_UP, utc_offset=-360, city="Memphis", state="TN"
        ),
        event("b", "DP", SHIPPED + timedelta(hours=30), S.IN_TRANSIT, utc_offset=-300, country="US"),
        event("c", "ZZ", SHIPPED + timedelta(hours=31), S.DELAYED, mapped=False),
        event("d", "OD", SHIPPED + timedelta(hours=32), S.OUT_FOR_DELIVERY, withdrawn_at=NOW),
        StatusChange(fulfillment_id=1, status=S.CONFIRMED, at=SHIPPED, recorded_at=SHIPPED, reason="OC: label"),
        StatusChange(
            fulfillment_id=1,
            status=S.IN_TRANSIT,
            at=SHIPPED + timedelta(days=1),
            recorded_at=NOW,
            reason="DP: departed",
        ),
        push(1, 1, S.CONFIRMED, PushState.SENT, done_at=SHIPPED + timedelta(minutes=1), attempts=1),
        push(2, 1, S.IN_TRANSIT, PushState.WAITING, attempts=2, last_error="HTTP 503"),
        push(3, 2, S.DELIVERED, PushState.DEAD, attempts=5, last_error="HTTP 400: bad body"),
    )
    return database


# status


def test_status_has_the_promised_shape(tracker: Tracker, shop: Database) -> None:
    ran = tracker("status", "794600000017", "--json")

    (found,) = ran.json
    first, second = found.pop("parcels")
    assert (ran.code, ran.err) == (0, "")
    assert found == {
        "sourceFulfillmentId": "f-1",
        "sourceOrderId": "#517AB",
        "status": "IN_TRANSIT",
        "statusAt": "2026-03-03T09:00:00+00:00",
        "trackingCompany": "FedEx",
        "pushed": {
            "status": "CONFIRMED",
            "at": "2026-03-02T09:01:00+00:00",
            "pending": True,
            "attempts": 2,
            "lastError": "HTTP 503",
        },
        "history": [
            {"status": "CONFIRMED", "at": "2026-03-02T09:00:00+00:00", "reason": "OC: label"},
            {"status": "IN_TRANSIT", "at": "2026-03-03T09:00:00+00:00", "reason": "DP: departed"},
        ],
    }
    assert list(first) == [
        "trackingNumber",
        "carrier",
        "trackingUrl",
        "status",
        "statusAt",
        "estimatedDelivery",
        "lastPolledAt",
        "nextPollAt",
        "lastError",
        "events",
    ]
    assert first["trackingUrl"] == "https://www.fedex.com/fedextrack/?trknbr=794600000017"
    assert (second["trackingUrl"], second["status"]) == ("https://shop.example/2", None)
    assert second["lastError"] == "NotFound: not known yet"


def test_status_shows_standing_events_newest_first_by_the_clock_at_their_place(
    tracker: Tracker, shop: Database
) -> None:
    (found,) = tracker("status", "f-1", "--json").json

    unmapped, departed, picked_up = found["parcels"][0]["events"]
    assert (unmapped["code"], unmapped["status"]) == ("ZZ", None)
    assert departed == {
        "occurredAt": "2026-03-03T10:00:00-05:00",
        "zone": "given",
        "status": "IN_TRANSIT",
        "code": "DP",
        "description": "scan DP",
        "place": {"city": "", "state": "", "postalCode": "", "country": "US"},
    }
    assert picked_up["occurredAt"] == "2026-03-02T11:00:00-06:00"
    assert unmapped["place"] is None


@pytest.mark.parametrize("reference", ["f-1", "#517AB", "794600000017", "7946 0000 0017", "1z0000000000000007"])
def test_status_takes_a_number_a_fulfillment_or_an_order(tracker: Tracker, shop: Database, reference: str) -> None:
    assert [found["sourceFulfillmentId"] for found in tracker("status", reference, "--json").json] == ["f-1"]


def test_status_for_people_tells_what_the_other_side_was_told(tracker: Tracker, shop: Database) -> None:
    ran = tracker("status", "f-1")

    assert ran.code == 0
    assert "a push is waiting (attempts: 2): HTTP 503" in ran.out
    assert "2026-03-02 11:00 -06:00" in ran.out
    assert "OC: label" in ran.out


def test_status_of_something_unknown_ends_with_3_and_an_empty_array(tracker: Tracker, shop: Database) -> None:
    ran = tracker("status", "f-999", "--json")

    assert (ran.code, ran.json) == (3, [])
    assert "f-999" in ran.err


def test_a_withdrawn_fulfillment_is_not_shown(tracker: Tracker, shop: Database) -> None:
    assert tracker("status", "f-3", "--json").code == 3


# list


def test_list_has_a_row_for_each_parcel_of_each_fulfillment(tracker: Tracker, shop: Database) -> None:
    ran = tracker("list", "--json")

    assert ran.code == 0
    assert [(row["sourceFulfillmentId"], row["trackingNumber"]) for row in ran.json] == [
        ("f-1", "794600000017"),
        ("f-1", "1Z0000000000000007"),
        ("f-2", "794600000028"),
    ]
    assert list(ran.json[0]) == [
        "sourceFulfillmentId",
        "sourceOrderId",
        "status",
        "carrier",
        "trackingNumber",
        "parcelStatus",
        "statusAt",
        "lastMovementAt",
        "estimatedDelivery",
        "lastPolledAt",
        "nextPollAt",
        "lastError",
        "claimClosesAt",
    ]


@pytest.mark.parametrize(
    ("options", "numbers"),
    [
        (("--status", "in transit"), ["794600000017", "1Z0000000000000007"]),
        (("--status", "Delivered"), ["794600000028"]),
        (("--status", "delivered", "--status", "IN_TRANSIT", "--carrier", "fedex"), ["794600000017", "794600000028"]),
        (("--carrier", "ups"), ["1Z0000000000000007"]),
        (("--late",), ["794600000017"]),
        (("--stalled", "7"), ["794600000017"]),
        (("--stalled", "0"), ["794600000017", "1Z0000000000000007"]),
        (("--late", "--carrier", "ups"), []),
    ],
)
def test_list_filters(tracker: Tracker, shop: Database, options: tuple[str, ...], numbers: list[str]) -> None:
    ran = tracker("list", *options, "--json")

    assert [row["trackingNumber"] for row in ran.json] == numbers
    assert ran.code == (0 if numbers else 3)


def test_list_as_csv_is_read_back_as_it_was_written(tracker: Tracker, shop: Database) -> None:
    rows = list(csv.DictReader(io.StringIO(tracker("list", "--csv").out)))

    assert [row["trackingNumber"] for row in rows] == ["794600000017", "1Z0000000000000007", "794600000028"]
    assert rows[1]["lastError"] == "NotFound: not known yet"


def test_list_as_csv_keeps_its_header_where_nothing_matches(tracker: Tracker, shop: Database) -> None:
    ran = tracker("list", "--csv", "--status", "SCHEDULED")

    assert ran.code == 3
    assert ran.out.startswith("sourceFulfillmentId,sourceOrderId,status,carrier,")


def test_a_cell_never_becomes_a_formula(tracker: Tracker, database: Database) -> None:
    add(database, Order(id=1, source_order_id='=HYPERLINK("http://evil.example")'), fulfillment(1, 1, S.SCHEDULED))

    (row,) = csv.DictReader(io.StringIO(tracker("list", "--csv").out))

    assert row["sourceOrderId"].startswith("'=")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--status", "LOST"), "unknown fulfillment status 'LOST'; expected one of"),
        (("--carrier", "nocarrier"), "unknown carrier 'nocarrier'; known: "),
        (("--json", "--csv"), "choose one of --json and --csv"),
        (("--stalled", "soon"), "--stalled"),
    ],
)
def test_list_refuses_what_it_does_not_know(
    tracker: Tracker, shop: Database, options: tuple[str, ...], told: str
) -> None:
    ran = tracker("list", *options)

    assert (ran.code, ran.out) == (2, "")
    assert told in ran.err


# outbox


def test_outbox_lists_what_waits_and_what_is_dead_and_why(tracker: Tracker, shop: Database) -> None:
    ran = tracker("outbox", "--json")

    assert [(row["id"], row["state"], row["lastError"]) for row in ran.json] == [
        (3, "dead", "HTTP 400: bad body"),
        (2, "waiting", "HTTP 503"),
    ]
    assert "HTTP 400: bad body" in tracker("outbox").out


def test_outbox_retry_makes_a_dead_push_wait_again(tracker: Tracker, shop: Database) -> None:
    assert tracker("outbox", "retry", "3", "--json").json == {"action": "retry", "changed": 1}
    assert {row["state"] for row in tracker("outbox", "list", "--json").json} == {"waiting"}


def test_outbox_drop_all_gives_up_only_what_is_dead(tracker: Tracker, shop: Database) -> None:
    assert "1 push given up" in tracker("outbox", "drop", "--all").out
    assert [row["id"] for row in tracker("outbox", "--json").json] == [2]


@pytest.mark.parametrize(
    ("arguments", "code"), [(("retry",), 2), (("drop", "2", "--all"), 2), (("retry", "99"), 3), (("list", "99"), 3)]
)
def test_outbox_says_what_it_cannot_do(tracker: Tracker, shop: Database, arguments: tuple[str, ...], code: int) -> None:
    ran = tracker("outbox", *arguments)

    assert ran.code == code
    assert ran.err


def test_an_empty_outbox_is_fine(tracker: Tracker, database: Database) -> None:
    ran = tracker("outbox", "--json")

    assert (ran.code, ran.json) == (0, [])


# backup


def test_backup_is_a_whole_copy_and_overwrites_nothing(tracker: Tracker, shop: Database, tmp_path: Path) -> None:
    assert tracker("backup", "copy.db").code == 0
    with sqlite3.connect(tmp_path / "copy.db") as copy:
        assert copy.execute("SELECT COUNT(*) FROM parcels").fetchone() == (3,)
    copy.close()

    again = tracker("backup", "copy.db")
    assert again.code == 2
    assert "copy.db exists" in again.err


# import


ORDER: dict[str, Any] = {
    "sourceOrderId": "#900",
    "fulfillments": [
        {
            "sourceItemIds": [{"sourceItemId": "1", "quantity": 1}],
            "fulfillmentStatus": "Fulfilled",
            "sourceFulfillmentId": "f-900",
            "trackingCompany": "FedEx",
            "trackingNumber": ["794600000039"],
            "createdAt": "2026-03-02T09:00:00Z",
        }
    ],
}


def test_import_counts_and_the_same_again_changes_nothing(tracker: Tracker, tmp_path: Path) -> None:
    (tmp_path / "orders.json").write_text(json.dumps(ORDER))

    first, second = tracker("import", "orders.json", "--json"), tracker("import", "orders.json", "--json")

    assert (first.code, second.code) == (0, 0)
    assert first.json == {"created": 1, "updated": 0, "unchanged": 0, "rejected": 0}
    assert second.json == {"created": 0, "updated": 0, "unchanged": 1, "rejected": 0}
    assert tracker("status", "f-900", "--json").json[0]["parcels"][0]["carrier"] == "fedex"


@pytest.mark.parametrize(("margin", "statuses"), [("30d", [S.DELIVERED, S.DELIVERED]), ("7d", [S.DELIVERED, None])])
def test_a_number_used_again_is_shown_with_each_of_its_parcels(
    tracker: Tracker, database: Database, tmp_path: Path, margin: str, statuses: list[S | None]
) -> None:
    (tmp_path / "config.yaml").write_text(f"{CONFIG}polling: {{reuse_margin: {margin}}}\n")
    tracker("import", "-", stdin=json.dumps(ORDER).encode())
    with database.write() as tx:
        at = (SHIPPED + timedelta(days=2)).isoformat()
        tx.exec_driver_sql("UPDATE parcels SET status = 'DELIVERED', status_at = ?, ended_at = ?", (at, at))
    shipped = ORDER["fulfillments"][0]
    again = {**shipped, "sourceFulfillmentId": "f-901", "createdAt": "2026-03-22T09:00:00Z"}
    tracker("import", "-", stdin=json.dumps({"sourceOrderId": "#901", "fulfillments": [again]}).encode())

    found = tracker("status", "7946 0000 0039", "--json").json

    assert [fulfillment["sourceFulfillmentId"] for fulfillment in found] == ["f-900", "f-901"]
    assert [parcel["status"] for fulfillment in found for parcel in fulfillment["parcels"]] == statuses


def test_import_reads_stdin(tracker: Tracker) -> None:
    ran = tracker("import", "-", stdin=json.dumps([ORDER]).encode())

    assert ran.out == "1 created, 0 updated, 0 unchanged, 0 rejected\n"


def test_one_bad_file_keeps_everything_out(tracker: Tracker, tmp_path: Path) -> None:
    (tmp_path / "good.json").write_text(json.dumps(ORDER))
    (tmp_path / "bad.json").write_text(json.dumps({**ORDER, "fulfillments": [{"fulfillmentStatus": "LOST"}]}))

    ran = tracker("import", "good.json", "bad.json", "--json")

    assert ran.code == 2
    assert ran.json["created"] == 0
    assert ran.json["rejected"] > 0
    assert "bad.json: " in ran.err
    assert "fulfillmentStatus" in ran.err
    assert tracker("status", "f-900").code == 3


def test_import_of_a_missing_file_keeps_everything_out(tracker: Tracker, tmp_path: Path) -> None:
    (tmp_path / "good.json").write_text(json.dumps(ORDER))

    ran = tracker("import", "good.json", "missing.json")

    assert (ran.code, ran.out) == (2, "")
    assert "missing.json: no such file" in ran.err
    assert not (tmp_path / "tracker.db").exists()


# all of them


@pytest.mark.parametrize("command", [("status", "x"), ("list",), ("outbox",), ("backup", "copy.db")])
def test_reading_before_there_is_a_database_says_what_makes_one(tracker: Tracker, command: tuple[str, ...]) -> None:
    ran = tracker(*command)

    assert ran.code == 3
    assert "`tracker import` or `tracker run` makes it" in ran.err


def test_a_broken_database_is_a_failure_without_a_traceback(tracker: Tracker, tmp_path: Path) -> None:
    (tmp_path / "tracker.db").write_bytes(b"this is not a database, it is a text file" * 100)

    for command in (("list",), ("import", "-")):
        ran = tracker(*command, stdin=json.dumps(ORDER).encode())
        assert ran.code == 1
        assert "not a database" in ran.err


def test_a_reader_that_leaves_early_is_no_error_to_tell(shop: Database, tmp_path: Path) -> None:
    add(shop, *(fulfillment(id, 2, S.SCHEDULED) for id in range(100, 3000)))
    (tmp_path / "config.yaml").write_text(CONFIG)
    program = Path(sys.executable).with_name("tracker")

    with subprocess.Popen(
        [program, "list", "--csv"],
        cwd=tmp_path,
        env={**os.environ, "TRACKER_CONFIG": "config.yaml"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
