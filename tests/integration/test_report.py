"""`tracker report` on a database made for each test: what counts, from when to when, and in which form."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

import pytest
from sqlalchemy import insert

from carriers.sdk.codes import Effect
from carriers.sdk.events import ZoneSource
from carriers.sdk.status import FulfillmentStatus as S
from tracker.cli import main
from tracker.models import Fulfillment, FulfillmentParcel, Order, Parcel, ParcelEvent
from tracker.store import parcels as parcel_rows
from tracker.store.database import Database

MARCH = ("--since", "2026-03-01", "--until", "2026-03-31")
PICKED_UP = datetime(2026, 3, 2, 15, tzinfo=UTC)
DELIVERED = PICKED_UP + timedelta(days=3)


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
    (tmp_path / "config.yaml").write_text("database: tracker.db\n")

    def run(*arguments: str) -> Ran:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        return Ran(ended.value.code, *capsys.readouterr())

    return run


class Shop:
    """Ships parcels whose journeys are told."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._ids = 0

    def ship(
        self,
        *scans: tuple[S, datetime] | tuple[S, datetime, dict[str, Any]],
        status: S = S.DELIVERED,
        delivered_at: datetime | None = DELIVERED,
        home: tuple[str, str] = ("US", "NY"),
        withdrawn: bool = False,
        **fields: Any,
    ) -> int:
        """A parcel with these scans (status, instant, other columns)."""
        self._ids += 1
        id = self._ids
        rows = [
            Order(id=id, source_order_id=f"#{id}", country=home[0], state=home[1]),
            Fulfillment(
                id=id,
                order_id=id,
                source_fulfillment_id=f"f-{id}",
                payload="{}",
                fulfilled_at=PICKED_UP,
                status=status,
                status_at=DELIVERED,
                withdrawn_at=DELIVERED if withdrawn else None,
            ),
            Parcel(
                **{
                    "id": id,
                    "carrier": "fedex",
                    "number": f"7946{id:08}",
                    "fulfilled_at": PICKED_UP,
                    "status": status,
                    "status_at": delivered_at or DELIVERED,
                    "delivered_at": delivered_at,
                    **fields,
                }
            ),
            FulfillmentParcel(fulfillment_id=id, parcel_id=id),
            *(self._event(id, index, *scan) for index, scan in enumerate(scans)),
        ]
        with self.database.write() as tx:
            for row in rows:
                tx.execute(insert(type(row)).values(row.model_dump()))
        return id

    def _event(self, id: int, index: int, status: S, at: datetime, more: dict[str, Any] | None = None) -> ParcelEvent:
        usual = {"country": "US", "state": "TX", "mapped": True, "zone": ZoneSource.GIVEN, "code": "XX", "seen_at": at}
        return ParcelEvent(parcel_id=id, key=f"{index}", status=status, occurred_at=at, **{**usual, **(more or {})})


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    database = Database(tmp_path / "tracker.db")
    database.migrate()
    yield Shop(database)
    database.close()


USUAL = (
    (S.CONFIRMED, PICKED_UP - timedelta(days=1)),
    (S.CARRIER_PICKED_UP, PICKED_UP),
    (S.IN_TRANSIT, PICKED_UP + timedelta(days=1)),
    (S.DELIVERED, DELIVERED),
)


def total(tracker: Tracker, *options: str) -> dict[str, Any]:
    ran = tracker("report", *MARCH, *options, "--json")
    assert ran.code == 0, ran.err
    figures: dict[str, Any] = ran.json["total"]
    return figures


# what counts


def test_transit_begins_with_the_first_scan_that_proves_possession(tracker: Tracker, shop: Shop) -> None:
    unproven = (S.IN_TRANSIT, PICKED_UP - timedelta(hours=12), {"effect": Effect.STILL})
    withdrawn = (S.IN_TRANSIT, PICKED_UP - timedelta(hours=6), {"withdrawn_at": DELIVERED})
    for _ in range(5):
        shop.ship(*USUAL, unproven, withdrawn)
    figures = total(tracker)
    assert (figures["parcels"], figures["delivered"], figures["transitParcels"]) == (5, 5, 5)
    assert (figures["transitMedianDays"], figures["transitP90Days"]) == (3.0, 3.0)


def test_a_parcel_that_was_only_seen_delivered_has_no_transit_time(tracker: Tracker, shop: Shop) -> None:
    shop.ship((S.DELIVERED, DELIVERED))
    shop.ship(delivered_at=None)  # of a summary without a time
    figures = total(tracker)
    assert (figures["delivered"], figures["transitParcels"]) == (2, 0)


@pytest.mark.parametrize(
    ("promise", "offset", "rate"),
    [
        (DELIVERED - timedelta(hours=9), 0, 1.0),  # the same day, hours before: the day counts
        (DELIVERED - timedelta(days=1), 0, 0.0),
        (DELIVERED + timedelta(days=1), 0, 1.0),
        (datetime(2026, 3, 6, 4, 59, tzinfo=UTC), -300, 1.0),  # the last minute of the 5th in New York
        (datetime(2026, 3, 5, 4, 59, tzinfo=UTC), -300, 0.0),  # of the 4th: the next day in UTC only
        (None, 0, None),
    ],
)
def test_on_time_is_by_the_end_of_the_day_promised_first_at_the_place(
    tracker: Tracker, shop: Shop, promise: datetime | None, offset: int, rate: float | None
) -> None:
    late = DELIVERED + timedelta(days=9)
    shop.ship(
        *USUAL[:3], (S.DELIVERED, DELIVERED, {"utc_offset": offset}), first_promise=promise, estimated_delivery=late
    )
    figures = total(tracker)
    assert (figures["onTimeRate"], figures["onTimeParcels"]) == (rate, int(promise is not None))


def test_the_first_promise_is_kept_when_the_carrier_moves_it(shop: Shop) -> None:
    shop.ship(status=S.IN_TRANSIT, delivered_at=None)
    with shop.database.write() as tx:
        tx.exec_driver_sql("UPDATE parcels SET lease_token = 't'")
        state = dict(tx.exec_driver_sql("SELECT * FROM parcels").mappings().one())
        for promise in (None, DELIVERED, DELIVERED + timedelta(days=2), None):
            parcel_rows.save(tx, [state | {"estimated_delivery": promise}], "t")
            tx.exec_driver_sql("UPDATE parcels SET lease_token = 't'")
        found = tx.exec_driver_sql("SELECT first_promise, estimated_delivery FROM parcels").one()
    assert found == (DELIVERED.isoformat(timespec="microseconds"), None)


def test_an_attempt_before_the_delivery_spoils_the_first_attempt(tracker: Tracker, shop: Shop) -> None:
    shop.ship(*USUAL)
    shop.ship(*USUAL, (S.ATTEMPTED_DELIVERY, DELIVERED - timedelta(days=1)))
    shop.ship(*USUAL, (S.ATTEMPTED_DELIVERY, DELIVERED + timedelta(days=1)))
    assert total(tracker)["firstAttemptRate"] == 0.6667


def test_trouble_is_counted_of_all_that_ended(tracker: Tracker, shop: Shop) -> None:
    returning = (S.FAILURE, DELIVERED, {"effect": Effect.RETURN})
    shop.ship(*USUAL, (S.DELAYED, PICKED_UP + timedelta(days=2)))
    shop.ship(*USUAL, (S.ON_HOLD, PICKED_UP + timedelta(days=2)))
    shop.ship(*USUAL[:3], returning, status=S.FAILURE, delivered_at=None)
    shop.ship(*USUAL[:3], status=S.FAILURE, delivered_at=None)
    figures = total(tracker)
    assert (figures["parcels"], figures["delivered"]) == (4, 2)
    rates = [figures[f"{name}Rate"] for name in ("delayed", "onHold", "failure", "returned")]
    assert rates == [0.25, 0.25, 0.5, 0.25]


def test_what_is_under_way_or_withdrawn_is_in_no_figure(tracker: Tracker, shop: Shop) -> None:
    shop.ship(*USUAL)
    shop.ship(*USUAL[:3], status=S.IN_TRANSIT, delivered_at=None)
    shop.ship(*USUAL, withdrawn=True)
    ran = tracker("report", *MARCH, "--json")
    assert (ran.json["total"]["parcels"], ran.json["underWay"]) == (1, 1)


def test_the_period_is_by_the_carriers_instants_and_holds_its_last_day(tracker: Tracker, shop: Shop) -> None:
    for at in ("2026-02-28T23:59:59", "2026-03-01T00:00:00", "2026-03-31T23:59:59", "2026-04-01T00:00:00"):
        shop.ship(delivered_at=datetime.fromisoformat(f"{at}+00:00"))
    assert total(tracker)["parcels"] == 2
    assert tracker("report", "--since", "2026-04-01", "--json").json["total"]["parcels"] == 1


# by what


def test_lanes_go_from_the_first_scan_to_the_orders_address(tracker: Tracker, shop: Shop) -> None:
    shop.ship(*USUAL, home=("US", "NY"))
    shop.ship(*USUAL, home=("US", "ny "))
    shop.ship(*USUAL[:3], (S.DELIVERED, DELIVERED, {"state": "CA"}), home=("", ""))
    shop.ship(*((*scan[:2], {"country": "Germany", "state": ""}) for scan in USUAL), home=("FR", ""))
    shop.ship((S.DELIVERED, DELIVERED), home=("GB", ""))
    rows = tracker("report", *MARCH, "--by", "lane", "--json").json["rows"]
    assert {(row["origin"], row["destination"]): row["parcels"] for row in rows} == {
        ("TX, US", "NY, US"): 2,
        ("TX, US", "CA, US"): 1,
        ("DE", "FR"): 1,
        ("", "GB"): 1,
    }


def test_by_service_and_month_for_one_carrier(tracker: Tracker, shop: Shop) -> None:
    shop.ship(*USUAL, carrier="ups", number="1Z999AA10323456784")
    shop.ship(*USUAL, carrier="ups", number="1Z999AA10123456784")
    shop.ship(*USUAL, company="FedEx Ground")
    ran = tracker("report", *MARCH, "--by", "month", "--by", "service", "--carrier", "ups", "--json")
    assert [(row["month"], row["carrier"], row["service"]) for row in ran.json["rows"]] == [
        ("2026-03", "ups", "Ground"),
        ("2026-03", "ups", "Next Day Air"),
    ]


# in which form


def test_as_a_table(tracker: Tracker, shop: Shop) -> None:
    for _ in range(6):
        shop.ship(*USUAL, first_promise=DELIVERED)
    shop.ship(*USUAL, carrier="ups")
    ran = tracker("report", *MARCH)
    fedex = next(line.split() for line in ran.out.splitlines() if line.startswith("fedex"))
    ups = next(line.split() for line in ran.out.splitlines() if line.startswith("ups"))
    assert (ran.code, ran.err) == (0, "")
    assert fedex == ["fedex", "6", "3.0", "(6)", "3.0", "100.0", "%", "(6)", "100.0", "%", "(6)", *["0.0", "%"] * 4]
    assert ups[:6] == ["ups", "1", "–", "(1)", "–", "–"], "no percentile of one parcel"


def test_as_csv(tracker: Tracker, shop: Shop) -> None:
    for _ in range(5):
        shop.ship(*USUAL)
    shop.ship(*USUAL, carrier="ups")
    fedex, ups = csv.DictReader(io.StringIO(tracker("report", *MARCH, "--csv").out))
    assert (fedex["carrier"], fedex["parcels"], fedex["transitMedianDays"], fedex["onTimeRate"]) == (
        "fedex",
        "5",
        "3.0",
        "",
    )
    assert (ups["carrier"], ups["transitParcels"], ups["transitMedianDays"]) == ("ups", "1", "")


def test_as_a_picture_beside_the_rest_or_alone(tracker: Tracker, shop: Shop, tmp_path: Path) -> None:
    for _ in range(5):
        shop.ship(*USUAL)
    beside = tracker("report", *MARCH, "--svg", "march.svg", "--json")
    assert beside.json["total"]["parcels"] == 5
    alone = tracker("report", *MARCH, "--svg", "-")
    assert alone.out == (tmp_path / "march.svg").read_text(encoding="utf-8")
    assert ElementTree.fromstring(alone.out).tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314 - our own


# what goes wrong


def test_nothing_ended_is_nothing_found(tracker: Tracker, shop: Shop) -> None:
    shop.ship(status=S.IN_TRANSIT, delivered_at=None)
    ran = tracker("report", *MARCH, "--json")
    assert (ran.code, ran.json["rows"], ran.json["underWay"]) == (3, [], 1)
    assert "1 sent in that time are under way" in ran.err


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--since", "soon"), "--since: 'soon' is no moment"),
        (("--until", "2026"), "--until: '2026' is no moment"),
        (("--since", "2026-03-31", "--until", "2026-03-01"), "not before --until"),
        (("--carrier", "pigeon"), "unknown carrier 'pigeon'"),
        (("--json", "--csv"), "only one of"),
        (("--csv", "--svg", "-"), "only one of"),
        (("--svg", "no/such/folder.svg"), "cannot be written"),
        (("--by", "colour"), "colour"),
    ],
)
@pytest.mark.usefixtures("shop")
def test_bad_usage(tracker: Tracker, options: tuple[str, ...], told: str) -> None:
    ran = tracker("report", *options)
    assert (ran.code, ran.out) == (2, "")
    assert told in ran.err


def test_without_a_database_it_says_what_makes_one(tracker: Tracker) -> None:
    ran = tracker("report")
    assert ran.code == 3
    assert "tracker import" in ran.err
