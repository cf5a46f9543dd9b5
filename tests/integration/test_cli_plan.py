"""`tracker plan` and `tracker learnt`, and the history that teaches."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from sqlalchemy import insert

from carriers.sdk.carrier import Quota
from carriers.sdk.status import FulfillmentStatus as S
from tests.integration.bench import START, Bench
from tracker.cadence import Cadence, Hazards, Situation, Stage, multipliers, next_look
from tracker.cli import main
from tracker.models import Parcel
from tracker.plan import calls_a_day
from tracker.store import learning
from tracker.store.database import Database

HOUR = timedelta(hours=1)


class Ran(NamedTuple):
    code: object
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def words(self) -> str:
        return " ".join(self.out.split())


Tracker = Callable[..., Ran]


@pytest.fixture
def tracker(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Tracker:
    """`tracker …` in a folder with a config.yaml of FedEx alone; `account`: its options."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "300")

    def run(*arguments: str, **account: Any) -> Ran:
        fedex = {"credentials": {"api_key": "a-key", "secret_key": "a-secret"}, **account}
        (tmp_path / "config.yaml").write_text(yaml.safe_dump({"database": "tracker.db", "carriers": {"fedex": fedex}}))
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        return Ran(ended.value.code, *capsys.readouterr())

    return run


# plan


def live(folder: Path, doors: int, hubs: int, source: str = "fedex", **fields: Any) -> None:
    """Parcels at the door and on their way, asked about since last month."""
    now = datetime.now(UTC)
    database = Database(folder / "tracker.db")
    database.migrate()
    at_door = {"status": S.OUT_FOR_DELIVERY, "stage": "OUT_FOR_DELIVERY", "priority": 3}
    on_way = {"status": S.IN_TRANSIT, "stage": "HUB", "priority": 2}
    with database.write() as tx:
        for index in range(doors + hubs):
            given: dict[str, Any] = {
                **{"carrier": source, "source": source, "route": source, "number": f"{source}{index}"},
                **{"fulfilled_at": now - 48 * HOUR, "first_asked_at": now - 700 * HOUR, "known": True},
                **{"status_at": now - 2 * HOUR, "stage_at": now - 2 * HOUR, "last_movement_at": now - 2 * HOUR},
                **{"last_polled_at": now - HOUR, "next_poll_at": now + HOUR},
                **(at_door if index < doors else on_way),
                **fields,
            }
            tx.execute(insert(Parcel).values(Parcel(**given).model_dump(exclude={"id"})))
    database.close()


def test_a_quota_that_is_enough_is_said_to_be(tracker: Tracker, tmp_path: Path) -> None:
    live(tmp_path, 30, 10)
    ran = tracker("plan", "--json", quota={"per_day": 100_000})
    (told,) = ran.json
    assert list(told) == [
        "source",
        "accounts",
        "liveParcels",
        "newParcelsPerDay",
        "wantedCallsPerDay",
        "allowedCallsPerDay",
        "fits",
        "price",
        "freshness",
        "starved",
    ]
    assert (ran.code, told["source"], told["accounts"], told["liveParcels"]) == (0, "fedex", ["fedex"], 40)
    assert (told["fits"], told["starved"], told["allowedCallsPerDay"]) == (True, [], 100_000)
    assert told["newParcelsPerDay"] == 0
    assert 0 < told["wantedCallsPerDay"] < 100_000
    assert [(row["stage"], row["parcels"]) for row in told["freshness"]] == [("OUT_FOR_DELIVERY", 30), ("HUB", 10)]
    assert all(0 < row["meanHours"] < 24 for row in told["freshness"])
    shown = tracker("plan", quota={"per_day": 100_000})
    assert shown.code == 0
    assert "out for delivery" in shown.words
    assert "100,000" in shown.words
    assert "Raise the quota" not in shown.words


def test_a_quota_that_is_too_small_is_said_to_be_and_what_it_leads_to(tracker: Tracker, tmp_path: Path) -> None:
    live(tmp_path, 30, 10)
    (enough,) = tracker("plan", "--json", batch=1, quota={"per_day": 100_000}).json
    (scarce,) = tracker("plan", "--json", batch=1, quota={"per_day": 20}).json
    assert (scarce["fits"], scarce["allowedCallsPerDay"]) == (False, 20)
    assert scarce["wantedCallsPerDay"] == enough["wantedCallsPerDay"] > 20
    assert scarce["price"] > 10 * enough["price"]
    for before, after in zip(enough["freshness"], scarce["freshness"], strict=True):
        assert after["stage"] == before["stage"]
        assert after["meanHours"] > before["meanHours"]
    (starving,) = tracker("plan", "--json", batch=1, quota={"per_day": 1}).json
    assert "HUB" in starving["starved"]

    shown = tracker("plan", batch=1, quota={"per_day": 1})
    assert shown.code == 0
    assert "fedex: the quota allows one call in" in shown.words
    assert "Raise the quota with the carrier" in shown.words
    assert "more than a day late:" in shown.words


def test_calls_that_take_many_numbers_are_fewer_and_new_parcels_make_them_more(
    tracker: Tracker, tmp_path: Path
) -> None:
    live(tmp_path, 100, 0)
    (one,) = tracker("plan", "--json", batch=1).json
    (thirty,) = tracker("plan", "--json", batch=30).json
    assert one["wantedCallsPerDay"] == pytest.approx(30 * thirty["wantedCallsPerDay"], rel=0.05)
    lately = datetime.now(UTC) - 24 * HOUR
    database = Database(tmp_path / "tracker.db")
    with database.write() as tx:
        tx.exec_driver_sql("UPDATE parcels SET first_asked_at = ?", (lately.isoformat(timespec="microseconds"),))
    database.close()
    (growing,) = tracker("plan", "--json", batch=1).json
    assert growing["newParcelsPerDay"] == round(100 / 7, 1)
    assert growing["wantedCallsPerDay"] > one["wantedCallsPerDay"]


def test_nothing_live_is_nothing_to_plan(tracker: Tracker, tmp_path: Path) -> None:
    live(tmp_path, 3, 0, next_poll_at=None)
    live(tmp_path, 3, 0, source="ups")  # a carrier without an account
    live(tmp_path, 3, 0, source="dhl", ended_at=datetime.now(UTC), status=S.DELIVERED, stage="ENDED")
    ran = tracker("plan", "--json")
    assert (ran.code, ran.json) == (3, [])
    assert "no live parcel" in ran.err
    assert tracker("plan").code == 3
    assert tracker("plan", "--days", "0").code == 2


@pytest.mark.parametrize(
    ("quota", "calls"),
    [
        (Quota(), None),
        (Quota(per_second=2), 172_800),
        (Quota(per_second=2, per_hour=100), 2_400),
        (Quota(per_hour=100, per_day=1_000), 1_000),
    ],
)
def test_the_tightest_limit_is_what_a_day_allows(quota: Quota, calls: float | None) -> None:
    assert calls_a_day(quota) == calls


# learnt

JOURNEY = ((0, "OC"), (5, "PU"), (20, "IT"), (45, "OD"), (50, "DL"))
STAGES = (Stage.LABEL, Stage.PICKED_UP, Stage.HUB, Stage.OUT_FOR_DELIVERY)


def journeys(bench: Bench, count: int, company: str, looks: tuple[int, ...] = (1, 12, 30, 47, 60)) -> None:
    """So many parcels from label to delivery, asked about at these hours."""
    numbers = [f"NUM{index:03}" for index in range(count)]
    bench.order(*numbers, company=company)
    started = bench.clock.now()
    for hours in looks:
        bench.clock.time = started + timedelta(hours=hours)
        for number in numbers:
            bench.tell(number, *(scan for scan in JOURNEY if scan[0] <= hours))
        bench.due()
        bench.poll()


def sums(bench: Bench) -> dict[tuple[str, str, str], tuple[float, float]]:
    with bench.database.read() as tx:
        return {
            (row.carrier, row.service, row.stage): (row.events, row.expected)
            for row in learning.lessons(tx)
            if row.part == "overall"
        }


@pytest.mark.parametrize("looks", [(1, 12, 30, 47, 60), tuple(range(1, 61, 3)), (60,)])
def test_every_stay_of_a_history_is_summed_once_by_carrier_service_and_stage(
    bench: Bench, looks: tuple[int, ...]
) -> None:
    journeys(bench, 6, "Plain", looks)
    told = sums(bench)
    assert {key: events for key, (events, _) in told.items()} == {("plain", "unknown", stage): 6 for stage in STAGES}
    assert all(expected > 0 for _, expected in told.values())
    with bench.database.read() as tx:
        rows = learning.lessons(tx)
    for kind in ("hour", "weekday", "age"):
        parts = [row for row in rows if row.stage is Stage.HUB and row.part.startswith(f"{kind}:")]
        assert sum(row.events for row in parts) == 6
        assert sum(row.expected for row in parts) == pytest.approx(told["plain", "unknown", Stage.HUB][1])
    bench.clock.forward(days=1)
    bench.due()
    bench.poll()
    assert sums(bench) == told, "an answer that says the same taught again"


def test_a_number_never_known_teaches_that_nothing_came(bench: Bench) -> None:
    bench.order("NEVER1")
    for _ in range(32):
        bench.poll()
        bench.clock.forward(days=1)
    assert bench.parcel("NEVER1").status == "FAILURE"
    ((key, (events, expected)),) = sums(bench).items()
    assert (key, events) == (("plain", "unknown", Stage.LABEL), 0)
    assert expected > 0


def test_what_was_learnt_is_shown_and_forgotten(bench: Bench, tracker: Tracker) -> None:
    none = tracker("learnt", "--json")
    assert (none.code, none.json) == (3, [])
    assert "nothing was learnt yet" in none.err
    journeys(bench, 5, "Plain")

    ran = tracker("learnt", "--json")
    assert ran.code == 0
    assert list(ran.json[0]) == ["carrier", "service", "stage", "part", "events", "expected"]
    overall = {row["stage"]: row["events"] for row in ran.json if row["part"] == "overall"}
    assert overall == dict.fromkeys(STAGES, 5.0)
    shown = tracker("learnt")
    assert shown.code == 0
    lines = [line.split() for line in shown.out.splitlines()]
    assert ["plain", "unknown", "hub", "5"] in [line[:4] for line in lines]
    assert tracker("learnt", "--carrier", "plain").out == shown.out
    assert tracker("learnt", "--carrier", "ups").code == 3

    kept = tracker("learnt", "--reset", "--carrier", "ups")
    assert (kept.code, "forgot 0 sums" in kept.err) == (0, True)
    assert sums(bench)
    gone = tracker("learnt", "--reset")
    assert (gone.code, gone.out) == (0, "")
    assert f"forgot {len(ran.json)} sums" in gone.err
    assert sums(bench) == {}
    assert tracker("learnt").code == 3


def test_services_are_learnt_apart(bench: Bench) -> None:
    journeys(bench, 2, "Plain Express", (60,))
    bench.order("NUM900")
    bench.tell("NUM900", *JOURNEY)
    bench.poll()
    assert {key: events for key, (events, _) in sums(bench).items()} == {
        ("plain", service, stage): events for service, events in (("express", 2), ("unknown", 1)) for stage in STAGES
    }


def test_what_was_learnt_moves_the_next_looks(bench: Bench) -> None:
    journeys(bench, 120, "Plain", (60,))
    with bench.database.read() as tx:
        learnt = Hazards(multipliers(learning.lessons(tx)))
    label = Situation(S.CONFIRMED, START, None, START, carrier="plain", service="unknown", stage=Stage.LABEL)
    shipped, mine = (
        next_look(label, START, cadence=Cadence(jitter=0), hazards=hazards, price=0.15).at
        for hazards in (Hazards(), learnt)
    )
    assert shipped != mine, "labels here are scanned after five hours"
