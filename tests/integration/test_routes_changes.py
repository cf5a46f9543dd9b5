"""Routes that change: by config.yaml, at the next start; by an import that tells another destination or other tags."""

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from structlog.testing import capture_logs

from carriers.sdk.registry import known_infos
from tests.integration.network import Network
from tracker import intake
from tracker.app import App, build
from tracker.clock import Clock
from tracker.daemon import Daemon
from tracker.sandbox.server import serve
from tracker.sandbox.world import World

Make = Callable[..., Network]
NOBODY = "http://127.0.0.1:9"
LOGIN = {"client_id": "me", "client_secret": "secret"}


class Shop:
    """A config.yaml, and what is run with it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "config.yaml"
        self.config: dict[str, Any] = {
            "carriers": {
                "ups": [
                    {"account": "west", "credentials": LOGIN, "base_url": NOBODY},
                    {"account": "east", "credentials": LOGIN, "base_url": NOBODY},
                ],
                "seventeentrack": {"credentials": {"api_key": "secret"}, "base_url": NOBODY},
            },
            "polling": {"tick": 60},
            "web": {"enabled": False},
        }

    def app(self) -> App:
        self.path.write_text(yaml.safe_dump(self.config))
        return build(self.path, {})

    def start(self) -> tuple[dict[str, str], list[Any]]:
        """Start and stop the daemon: where the parcels are asked about then, and what it said of re-routing."""

        async def run() -> dict[str, str]:
            daemon = Daemon(self.app())
            await daemon.start()
            await daemon.stop()
            return self.sources()

        with capture_logs() as logs:
            return asyncio.run(run()), [entry for entry in logs if "elsewhere" in entry["event"]]

    def take_in(self, *orders: dict[str, Any]) -> None:
        app = self.app()
        with app.database.write() as tx:
            found = intake.read_file("orders.json", json.dumps(orders).encode())
            intake.register(tx, found, app.clock.now(), known_infos(), routes=app.routes)
        asyncio.run(app.close())

    def sources(self) -> dict[str, str]:
        return {row[0]: row[1] for row in self.rows("SELECT number, source FROM parcels ORDER BY number")}

    def rows(self, query: str) -> list[Any]:
        with sqlite3.connect(self.path.parent / "tracker.db") as database:
            return database.execute(query).fetchall()


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def order(number: str, company: str = "UPS", **fields: Any) -> dict[str, Any]:
    fulfillment = {
        "sourceFulfillmentId": f"F-{number}",
        "fulfillmentStatus": "FULFILLED",
        "sourceItemIds": [],
        "trackingCompany": company,
        "trackingNumber": [number],
        "createdAt": "2026-03-02T12:00:00Z",
    }
    return {"sourceOrderId": f"#{number}", "fulfillments": [fulfillment], **fields}


CANADIAN, DOMESTIC = order("NUM001", address={"country": "CA"}), order("NUM002", address={"country": "US"})
TO_CANADA = {"carrier": "ups", "country": "CA", "through": ["ups/west"]}


# config.yaml


def test_other_rules_send_the_parcels_elsewhere_at_the_next_start_and_only_then(shop: Shop) -> None:
    shop.take_in(CANADIAN, DOMESTIC)
    first, said = shop.start()
    assert (first, said) == ({"NUM001": "ups", "NUM002": "ups"}, [])
    shop.config["routes"] = [TO_CANADA]
    second, said = shop.start()
    assert second == {"NUM001": "ups/west", "NUM002": "ups"}
    assert [entry["parcels"] for entry in said] == [1]
    third, said = shop.start()
    assert (third, said) == (second, [])
    del shop.config["routes"]
    fourth, said = shop.start()
    assert fourth == first
    assert [entry["parcels"] for entry in said] == [1]


def test_a_start_with_the_same_rules_looks_at_no_parcel(shop: Shop) -> None:
    shop.config["routes"] = [TO_CANADA]
    shop.take_in(CANADIAN)
    shop.start()
    with sqlite3.connect(shop.path.parent / "tracker.db") as database:
        database.execute("UPDATE parcels SET source = 'elsewhere', route = 'elsewhere'")
    shop.config["polling"]["tick"] = 59  # nothing that routes depend on
    assert shop.start() == ({"NUM001": "elsewhere"}, [])


def test_an_account_that_is_switched_off_or_taken_away_leaves_its_parcels_to_the_next(shop: Shop) -> None:
    shop.config["routes"] = [{"carrier": "ups", "through": ["ups/west", "seventeentrack"]}]
    shop.take_in(CANADIAN)
    assert shop.start()[0] == {"NUM001": "ups/west"}
    west = shop.config["carriers"]["ups"][0]
    west["enabled"] = False
    assert shop.start()[0] == {"NUM001": "seventeentrack"}
    west["enabled"] = True
    assert shop.start()[0] == {"NUM001": "ups/west"}


def test_a_parcel_tried_at_a_carrier_whose_account_went_comes_home(shop: Shop) -> None:
    shop.config["carriers"]["dhl"] = {"credentials": {"api_key": "secret"}, "base_url": NOBODY}
    shop.take_in(CANADIAN, DOMESTIC)
    shop.start()
    with sqlite3.connect(shop.path.parent / "tracker.db") as database:
        database.execute("UPDATE parcels SET source = 'dhl', step = 1 WHERE number = 'NUM001'")
    shop.config["carriers"]["seventeentrack"]["enabled"] = False
    assert shop.start() == ({"NUM001": "dhl", "NUM002": "ups"}, []), "it is tried there still"
    del shop.config["carriers"]["dhl"]
    assert shop.start()[0] == {"NUM001": "ups", "NUM002": "ups"}


def test_a_rerouted_parcel_begins_anew_and_fences_off_the_answer_under_way(network: Make) -> None:
    at = network(["plain", "gatherer"])
    at.order("NUM001")
    at.lines["plain"].tell("NUM001", (0, "OC"))
    at.beat()
    before = at.parcel("NUM001")
    at.due()

    def reroute(call: object) -> None:
        at.start([{"through": ["gatherer", "plain"]}])
        assert at.reroute() == 1

    at.lines["plain"].answer = reroute
    poller = at.pollers["plain"]
    at.lines["plain"].tell("NUM001", (0, "OC"), (1, "DL"))
    tally = asyncio.run(poller.run(asyncio.Event()))
    assert (tally.calls, tally.polls) == (1, 0), "an answer of the old source was saved"
    parcel = at.parcel("NUM001")
    assert (parcel.source, parcel.route, parcel.step) == ("gatherer", "gatherer plain", 0)
    assert (parcel.known, parcel.fingerprint, parcel.lease_token) == (0, "", None)
    assert (parcel.status, parcel.status_at) == (before.status, before.status_at)
    at.lines["gatherer"].tell("NUM001", (2, "moving"))
    at.clock.forward(hours=3)
    at.beat()
    assert at.parcel("NUM001").status == "IN_TRANSIT"


@pytest.fixture
def running(shop: Shop) -> Iterator[subprocess.Popen[str]]:
    """A daemon as a process, with the rules of the shop."""
    shop.take_in(CANADIAN, DOMESTIC)
    command = [sys.executable, "-m", "tracker", "run"]
    environment = {**os.environ, "TRACKER_CONFIG": str(shop.path)}
    with subprocess.Popen(
        command, stderr=subprocess.DEVNULL, text=True, env=environment, cwd=shop.path.parent
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def until(condition: Callable[[], bool], what: str, within: float = 30.0) -> None:
    end = time.monotonic() + within
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def test_sighup_sends_the_parcels_where_the_new_rules_want_them(shop: Shop, running: subprocess.Popen[str]) -> None:
    until(lambda: shop.rows("SELECT 1 FROM remembered") != [], "the daemon is up")
    assert shop.sources() == {"NUM001": "ups", "NUM002": "ups"}
    shop.config["routes"] = [TO_CANADA]
    shop.path.write_text(yaml.safe_dump(shop.config))
    running.send_signal(signal.SIGHUP)
    until(lambda: shop.sources() == {"NUM001": "ups/west", "NUM002": "ups"}, "re-routed")
    assert running.poll() is None
    running.send_signal(signal.SIGTERM)
    assert running.wait(timeout=30) == 0


# imports

RULES = [TO_CANADA | {"carrier": "plain", "through": ["plain/west"]}, {"tag": "VIP", "through": ["gatherer"]}]
ACCOUNTS = ["plain/west", "plain/east", "gatherer"]


def take_in(network: Network, text: str, name: str = "orders.json") -> intake.Counts:
    with network.database.write() as tx:
        known = {line.carrier.info.code: line.carrier.info for line in network.lines.values()}
        found = intake.read_file(name, text.encode())
        return intake.register(tx, found, network.clock.now(), known, routes=network.routes)


def source(network: Network, number: str = "NUM001") -> str:
    return str(network.parcel(number).source)


@pytest.mark.parametrize("whole", [True, False], ids=["with its fulfillments", "the order alone"])
def test_another_destination_sends_the_parcel_elsewhere(network: Make, whole: bool) -> None:
    at = network(ACCOUNTS, RULES)
    at.order("NUM001", "NUM002", address={"country": "US"})
    assert (source(at), source(at, "NUM002")) == ("plain", "plain")
    changed = order("NUM001", "Plain", address={"country": "CA"})
    if not whole:
        del changed["fulfillments"]
    take_in(at, json.dumps(changed))
    assert (source(at), source(at, "NUM002")) == ("plain/west", "plain")


def test_other_tags_send_the_parcel_elsewhere_and_none_send_it_back(network: Make) -> None:
    at = network(ACCOUNTS, RULES)
    at.order("NUM001", tags="new")
    assert source(at) == "plain"
    take_in(at, json.dumps({"sourceOrderId": "#NUM001", "tags": ["vip", "new"]}))
    assert source(at) == "gatherer"
    take_in(at, json.dumps({"sourceOrderId": "#NUM001", "sourceOrderNumber": "1001"}))
    assert source(at) == "gatherer", "what an import leaves out stays as it was"
    take_in(at, json.dumps({"sourceOrderId": "#NUM001", "tags": []}))
    assert source(at) == "plain"


def test_an_import_that_changes_nothing_of_the_route_leaves_the_parcel_where_it_is_tried(network: Make) -> None:
    at = network(ACCOUNTS, RULES)
    at.order("NUM001", tags="vip", address={"country": "US"})
    with at.database.write() as tx:
        tx.exec_driver_sql("UPDATE parcels SET source = 'plain', step = 1, known = 1, fingerprint = 'f'")
    for fields in ({"sourceOrderNumber": "1001"}, {"tags": "VIP, other"}, {"address": {"country": "US", "zip": "1"}}):
        take_in(at, json.dumps({"sourceOrderId": "#NUM001", **fields}))
        row = at.parcel("NUM001")
        assert (row.source, row.step, row.known, row.fingerprint) == ("plain", 1, 1, "f")


TAGS: list[Any] = ["VIP, Ada Quill", ["vip", "Ada Quill"], " ada quill ,vip,", ["VIP,Ada Quill"]]


@pytest.mark.parametrize("tags", TAGS, ids=repr)
def test_tags_are_a_text_or_a_list_and_only_those_that_rules_name_are_kept(
    network: Make, tags: Any, tmp_path: Path
) -> None:
    at = network(ACCOUNTS, RULES)
    at.order("NUM001", tags=tags)
    assert (source(at), at.rows("SELECT tags FROM orders")[0].tags) == ("gatherer", "vip")
    with sqlite3.connect(tmp_path / "tracker.db") as database:
        assert "quill" not in "\n".join(database.iterdump()).casefold()


@pytest.mark.parametrize("tags", [7, {"a": "vip"}, ["vip", 7]], ids=repr)
def test_tags_that_are_neither_are_refused_with_their_place(network: Make, tags: object) -> None:
    at = network(ACCOUNTS, RULES)
    with pytest.raises(intake.BadInput, match=r"tags.*separated by commas, or a list"):
        at.order("NUM001", tags=tags)


HEADER = "sourceOrderId,sourceFulfillmentId,trackingNumber,trackingCompany,country,Tags\n"


def test_a_table_has_a_column_for_tags_and_an_empty_cell_says_nothing(network: Make) -> None:
    at = network(ACCOUNTS, RULES)
    rows = ['#1,F1,NUM001,Plain,US,"VIP, Ada Quill"', "#1,F1,NUM002,Plain,US,", "#1,F2,NUM003,Plain,US,"]
    rows += ["#2,F3,NUM004,Plain,US,"]
    take_in(at, HEADER + "\n".join(rows), "orders.csv")
    found = {row.number: row.source for row in at.rows("SELECT number, source FROM parcels")}
    assert found == {"NUM001": "gatherer", "NUM002": "gatherer", "NUM003": "gatherer", "NUM004": "plain"}
    assert sorted(row.tags for row in at.rows("SELECT tags FROM orders")) == ["", "vip"]
    counts = take_in(at, HEADER + "\n".join(rows), "orders.csv")
    assert (counts.created, counts.updated, counts.unchanged) == (0, 0, 3), "the same file twice changes nothing"
    take_in(at, HEADER + '#1,F1,NUM001;NUM002,Plain,US,"other"\n', "orders.csv")
    assert {row.source for row in at.rows("SELECT source FROM parcels")} == {"plain"}


# by hand


def test_by_hand_a_parcel_is_asked_about_at_its_own_source(shop: Shop) -> None:
    world = World(
        Clock(),
        parcels=3,
        seed=5,
        carriers=("ups",),
        labels=(timedelta(days=-9), timedelta(days=-8)),
        quotas={"fedex": (), "ups": (), "usps": (), "dhl": ()},
    )

    async def run() -> None:
        async with serve(world) as url:
            west, _ = shop.config["carriers"]["ups"]
            west["base_url"] = f"{url}/ups"
            for account, answered in (("ups/west", True), ("ups/east", False)):
                shop.config["routes"] = [{"carrier": "ups", "through": [account]}]
                app = shop.app()
                with app.database.write() as tx:
                    found = intake.read_file("orders.json", json.dumps(world.orders_payload()).encode())
                    intake.register(tx, found, datetime.now(UTC), known_infos(), routes=app.routes)
                    app.reroute(tx)
                number = shop.rows("SELECT number FROM parcels ORDER BY id")[0][0]
                before = world.desks["ups"].numbers
                (answer,) = await app.poll([number])
                assert (answer["trackingNumber"], answer["carrier"]) == (number, "ups")
                assert (answer["error"] is None, answer["status"] is not None) == (answered, answered)
                assert world.desks["ups"].numbers - before == int(answered)
                await app.close()

    asyncio.run(run())
