"""Carriers' own deliveries: through the door over HTTP, beside polls of the same parcels, on a real database."""

import asyncio
import hashlib
import hmac
import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from carriers.sdk import Call, Reply
from carriers.sdk.codes import INFORMATIONAL
from carriers.sdk.hooks import Hmac, Hook, StampedHmac
from carriers.ups import Ups
from tests.integration.bench import START, Line, Plain, Station
from tracker import web
from tracker.cadence import Cadence
from tracker.config import Settings
from tracker.hooks import REMEMBERED, TOLERANCE, Account, Hooks
from tracker.poll import Poller
from tracker.progress import Rules
from tracker.routing import Routes
from tracker.store import hooks as stored
from tracker.timeline import RollUp

SECRET = "whatever-was-agreed"
NUMBER = "NUM001"
HOOK = Hook(Hmac("x-signature"), lambda payload: payload.get("told"), "a wish", id=("id",))


class Delivering(Plain):
    """Plain, which delivers by itself: what it would answer, under "told"."""

    hook = HOOK


class Stamped(Plain):
    """Plain, whose deliveries tell when they were made."""

    hook = replace(HOOK, proof=StampedHmac("x-signature"))


class Door(Station):
    """A database with pollers and a door for deliveries."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.line = Line(Delivering())
        self.rules = Rules(Cadence(jitter=0), timedelta(days=30), {}, source="plain", sources=("plain",))
        self.hooks = self.open(plain=Account(self.line.carrier, self.rules, SECRET))
        self.import_orders([NUMBER], known={"plain": Plain.info})
        self.deliveries = 0

    def open(self, **accounts: Account) -> Hooks:
        """`_` in a name stands for `/`."""
        named = {name.replace("_", "/"): account for name, account in accounts.items()}
        self.hooks = Hooks(named, self.writer, self.clock, RollUp.ATTENTION)  # type: ignore[arg-type]
        return self.hooks

    def poller(self) -> Poller:
        return self.poller_of("plain", self.line, self.rules)

    def poll(self) -> None:
        asyncio.run(self.poller().run(asyncio.Event()))

    def post(self, body: bytes, path: str = "/hooks/plain", *, secret: str = SECRET, **headers: str) -> httpx.Response:
        signed = {"x-signature": hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()} | headers

        async def send() -> httpx.Response:
            services = web.Services(
                self.database,
                self.writer,
                self.clock,  # type: ignore[arg-type]
                Settings(),
                Routes(),
                (),
                (),
                None,
                hooks=self.hooks,
            )
            transport = httpx.ASGITransport(web.build(services))
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
                return await client.post(path, content=body, headers=signed)

        return asyncio.run(send())

    def deliver(self, *events: tuple[float, str], number: str = NUMBER, promised: float | None = None) -> int:
        """The carrier delivers these events, oldest first, as soon as the last has happened; the answer's status."""
        self.clock.time = max(self.clock.time, START + timedelta(hours=max(hours for hours, _ in events)))
        self.deliveries += 1
        teller = Line(self.line.carrier)
        teller.tell(number, *events, promised=promised)
        return self.post(json.dumps({"id": self.deliveries, "told": teller.told}).encode()).status_code

    def events(self, number: str = NUMBER) -> list[str]:
        """Codes of the standing events, newest first."""
        rows = self.rows(
            "SELECT code FROM events WHERE withdrawn_at IS NULL AND parcel_id = ? ORDER BY occurred_at DESC",
            self.parcel(number).id,
        )
        return [row[0] for row in rows]

    def status(self, number: str = NUMBER) -> str | None:
        status: str | None = self.parcel(number).status
        return status

    def next_poll(self) -> timedelta:
        return datetime.fromisoformat(self.parcel(NUMBER).next_poll_at) - self.clock.now()


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    door = Door(tmp_path)
    yield door
    door.close()


def after_a_poll(door: Door) -> None:
    """The parcel was picked up an hour before a poll told so."""
    door.line.tell(NUMBER, (0, "OC"), (1, "PU"))
    door.clock.forward(hours=2)
    door.poll()


# --- at the door


def test_a_delivery_changes_the_status_and_goes_into_the_outbox(door: Door) -> None:
    after_a_poll(door)
    door.clock.forward(hours=1)
    assert door.deliver((2.5, "IT")) == 200
    assert door.status() == "IN_TRANSIT"
    assert door.events() == ["IT", "PU", "OC"]
    assert door.pushes()[-1] == ("IN_TRANSIT", "waiting")
    [history] = door.rows("SELECT at, reason FROM status_history ORDER BY id DESC LIMIT 1")
    assert datetime.fromisoformat(history.at) == START + timedelta(hours=2.5)


def test_who_does_not_know_the_secret_is_told_nothing(door: Door) -> None:
    body = json.dumps({"told": {NUMBER: {"events": [[START.isoformat(), "DL"]]}}}).encode()
    with capture_logs() as logs:
        wrong = door.post(body, secret="guessed")
        door.open(plain=Account(door.line.carrier, door.rules, ""))
        closed = door.post(body, secret="")
    assert (wrong.status_code, wrong.content) == (401, b"")
    assert (closed.status_code, closed.content) == (403, b"")
    assert door.events() == []
    assert "guessed" not in str(logs)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/hooks/plain", 200),
        ("/hooks/plain/", 404),
        ("/hooks/plain/east", 404),
        ("/hooks/nobody", 404),
        ("/hooks/twice", 404),
        ("/hooks/twice/west", 200),
        ("/hooks/once", 200),
    ],
)
def test_every_account_has_an_address(door: Door, path: str, status: int) -> None:
    def account(code: str) -> Account:
        carrier = Delivering()
        carrier.info = replace(Plain.info, code=code)
        return Account(carrier, door.rules, SECRET)

    twice = account("twice")
    door.open(plain=account("plain"), twice_east=twice, twice_west=twice, once_only=account("once"))
    assert door.post(b"{}", path).status_code == status


def test_a_repetition_has_no_effect_for_a_week(door: Door) -> None:
    body = json.dumps({"id": "d-1", "told": {NUMBER: {"events": [[START.isoformat(), "PU"]]}}}).encode()
    assert door.post(body).status_code == 200
    again = json.dumps({"id": "d-1", "told": {NUMBER: {"events": [[START.isoformat(), "DL"]]}}}).encode()
    assert door.post(again).status_code == 200
    assert door.status() == "CARRIER_PICKED_UP"
    door.clock.forward(days=8)
    with door.database.write() as tx:
        stored.forget(tx, door.clock.now() - REMEMBERED)
    assert door.rows("SELECT * FROM hook_deliveries") == []


def test_what_was_signed_long_ago_is_refused(door: Door) -> None:
    carrier = Stamped()
    door.open(plain=Account(carrier, door.rules, SECRET))
    body = json.dumps({"told": {NUMBER: {"events": [[START.isoformat(), "PU"]]}}}).encode()

    def signed(at: datetime) -> int:
        stamp = int(at.timestamp())
        digest = hmac.new(SECRET.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
        return door.post(body, **{"x-signature": f"t={stamp},v1={digest}"}).status_code

    now = door.clock.now()
    assert signed(now - TOLERANCE - timedelta(seconds=1)) == 409
    assert signed(now + TOLERANCE + timedelta(seconds=1)) == 409
    assert door.events() == []
    assert signed(now - TOLERANCE + timedelta(seconds=1)) == 200
    assert door.events() == ["PU"]


def test_numbers_nobody_follows_are_counted(door: Door) -> None:
    assert door.deliver((1, "PU"), number="NUM999") == 200
    with door.database.read() as tx:
        [heard] = stored.heard(tx)
    assert (heard.account, heard.deliveries, heard.news, heard.unknown) == ("plain", 1, 0, 1)


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b'{"told": 3}', b'{"told": {"NUM001": {"events": 7}}}'])
def test_what_cannot_be_read_is_a_bad_request(door: Door, body: bytes) -> None:
    with capture_logs() as logs:
        assert door.post(body).status_code == 400
    assert any(line["event"] == "a carrier's delivery could not be read" for line in logs)
    assert door.rows("SELECT * FROM hook_deliveries") == []


def test_too_much_is_not_read(door: Door) -> None:
    assert door.post(b" " * 1_000_001).status_code == 413
    assert door.post(b"{}" + b" " * 999_998).status_code == 200


def test_a_carrier_that_asks_for_confirmation_gets_it_once_the_delivery_is_proven(door: Door) -> None:
    class Asking(Plain):
        hook = replace(HOOK, handshake=lambda payload: Call((), "POST", f"/confirm/{payload['ask']}"))

    asked: list[str] = []

    class Client:
        async def send(self, call: Call) -> Reply:
            asked.append(call.path)
            return Reply((), 200, b"")

    door.open(plain=Account(Asking(), door.rules, SECRET, Client()))
    assert door.post(b'{"ask": 7}', secret="guessed").status_code == 401
    assert asked == []
    assert door.post(b'{"ask": 7}').status_code == 200
    assert asked == ["/confirm/7"]


# --- beside polls


def test_an_event_that_comes_both_ways_is_one_event(door: Door) -> None:
    after_a_poll(door)
    assert door.deliver((1, "PU")) == 200
    door.deliver((3, "IT"))
    door.line.tell(NUMBER, (0, "OC"), (1, "PU"), (3, "IT"))
    door.clock.forward(hours=20)
    door.due()
    door.poll()
    assert door.events() == ["IT", "PU", "OC"]
    assert len(door.rows("SELECT * FROM events")) == 3
    assert [status for status, _ in door.pushes()] == ["CARRIER_PICKED_UP", "IN_TRANSIT"]


def test_a_delivery_of_the_newest_event_takes_nothing_back(door: Door) -> None:
    after_a_poll(door)
    door.deliver((5, "OD"))
    door.deliver((7, "DL"))
    parcel = door.parcel(NUMBER)
    assert door.events() == ["DL", "OD", "PU", "OC"]
    assert door.rows("SELECT * FROM events WHERE withdrawn_at IS NOT NULL") == []
    assert (parcel.status, parcel.ended_at is not None) == ("DELIVERED", True)
    assert datetime.fromisoformat(parcel.delivered_at) == START + timedelta(hours=7)


def test_deliveries_out_of_order_come_to_the_same(door: Door) -> None:
    after_a_poll(door)
    for event in ((7, "DL"), (3, "IT"), (5, "OD")):
        door.clock.forward(minutes=1)
        door.deliver(event, promised=9.0)
    assert door.status() == "DELIVERED"
    assert door.events() == ["DL", "OD", "IT", "PU", "OC"]
    assert [status for status, _ in door.pushes()] == ["CARRIER_PICKED_UP", "DELIVERED"]


def test_a_late_delivery_brings_no_withdrawn_event_back(door: Door) -> None:
    door.line.tell(NUMBER, (0, "OC"), (1, "PU"), (2, "DL"))
    door.clock.forward(hours=3)
    door.poll()
    door.line.tell(NUMBER, (0, "OC"), (1, "PU"))  # it was another parcel's delivery
    door.due()
    door.poll()
    assert door.status() == "CARRIER_PICKED_UP"
    door.deliver((1, "PU"), (2, "DL"))
    assert door.status() == "CARRIER_PICKED_UP"
    assert door.events() == ["PU", "OC"]


def test_a_promise_stays_unless_a_newer_one_is_delivered(door: Door) -> None:
    door.line.tell(NUMBER, (0, "OC"), (1, "PU"), (4, "IT"), promised=48)
    door.clock.forward(hours=5)
    door.poll()
    promised = door.parcel(NUMBER).estimated_delivery
    door.deliver((2, "IT"), promised=24)  # told before the last scan
    assert door.parcel(NUMBER).estimated_delivery == promised
    door.deliver((5, "IT"))
    assert door.parcel(NUMBER).estimated_delivery == promised
    door.deliver((6, "IT"), promised=72)
    assert datetime.fromisoformat(door.parcel(NUMBER).estimated_delivery) == START + timedelta(hours=72)


def test_a_poll_that_was_asked_before_a_delivery_does_not_undo_it(door: Door) -> None:
    after_a_poll(door)
    door.due()

    def meanwhile(call: Call) -> None:
        """While the carrier makes up its answer, which does not know the delivery yet, it delivers."""
        [lease] = door.rows("SELECT lease_token FROM parcels WHERE lease_token IS NOT NULL")
        asyncio_free(lambda: door.deliver((3, "OD")))
        assert door.parcel(NUMBER).lease_token == lease.lease_token
        assert door.status() == "OUT_FOR_DELIVERY"

    door.line.answer = meanwhile
    door.line.tell(NUMBER, (0, "OC"), (1, "PU"), (2, "IT"))
    door.poll()
    parcel = door.parcel(NUMBER)
    assert door.status() == "OUT_FOR_DELIVERY"
    assert door.events() == ["OD", "IT", "PU", "OC"]  # the poll's own news is not lost either
    assert parcel.lease_token is None
    assert parcel.last_polled_at is not None
    assert [status for status, _ in door.pushes()] == ["CARRIER_PICKED_UP", "OUT_FOR_DELIVERY"]
    assert door.next_poll() == timedelta(hours=12)


def asyncio_free(work: Any) -> None:
    """Run `work`, which has a loop of its own, from within another one."""
    from threading import Thread

    failed: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            failed.append(error)

    thread = Thread(target=run)
    thread.start()
    thread.join()
    assert not failed, failed


def test_an_answer_like_the_last_one_is_read_again_after_a_delivery(door: Door) -> None:
    after_a_poll(door)
    assert door.parcel(NUMBER).fingerprint != ""
    door.deliver((3, "IT"))
    assert door.parcel(NUMBER).fingerprint == ""
    door.due()
    door.poll()
    assert door.status() == "IN_TRANSIT"


def test_what_no_answer_ever_confirms_goes_with_time(door: Door) -> None:
    after_a_poll(door)
    door.deliver((3, "DL"))
    door.clock.forward(hours=11)
    door.due()
    door.poll()
    assert door.status() == "DELIVERED"  # the answer may lag behind
    door.clock.forward(hours=2)
    door.due()
    door.poll()
    assert door.status() == "CARRIER_PICKED_UP"
    assert door.events() == ["PU", "OC"]


def test_a_label_s_answer_does_not_undo_a_delivered_pickup(door: Door) -> None:
    door.line.tell(NUMBER, (0, "OC"))
    door.clock.forward(hours=1)
    door.poll()
    door.deliver((1, "PU"))
    door.clock.forward(hours=1)
    door.due()
    door.poll()
    assert door.status() == "CARRIER_PICKED_UP"


# --- how often it is asked about


def test_news_by_delivery_puts_the_next_poll_off_while_it_comes(door: Door) -> None:
    after_a_poll(door)
    door.deliver((2, "OD"))
    assert door.next_poll() == timedelta(hours=12)
    door.clock.forward(hours=3)
    door.deliver((4, "IT"))
    assert door.next_poll() == timedelta(hours=12)
    door.clock.forward(hours=12)
    door.poll()
    assert len(door.line.asked) == 2
    assert timedelta(0) < door.next_poll() < timedelta(hours=12)  # the carrier has gone silent


def test_the_first_poll_is_not_put_off(door: Door) -> None:
    turn = door.parcel(NUMBER).next_poll_at
    door.deliver((0, "PU"))
    parcel = door.parcel(NUMBER)
    assert (parcel.status, parcel.next_poll_at) == ("CARRIER_PICKED_UP", turn)
    assert (parcel.first_asked_at, parcel.last_polled_at) == (None, None)


def test_nor_one_that_somebody_wants(door: Door) -> None:
    after_a_poll(door)
    door.due()
    door.deliver((2, "IT"))
    assert door.next_poll() == timedelta(0)


def test_it_can_be_switched_off(door: Door) -> None:
    door.rules = door.rules._replace(hooked=timedelta(0))
    door.open(plain=Account(door.line.carrier, door.rules, SECRET))
    after_a_poll(door)
    door.deliver((2, "OD"))
    assert door.next_poll() < timedelta(hours=6)


def test_old_news_puts_nothing_off(door: Door) -> None:
    after_a_poll(door)
    turn = door.parcel(NUMBER).next_poll_at
    door.deliver((0, "OC"))
    assert door.parcel(NUMBER).next_poll_at == turn
    assert door.parcel(NUMBER).last_hook_at is None


def test_where_only_a_poll_can_tell_it_is_asked(door: Door) -> None:
    door.line.tell(NUMBER, (0, "OC"), (1, "PU"), (4, "??"))  # perhaps with a coarse word that is not kept
    door.clock.forward(hours=5)
    door.poll()
    door.deliver((3, "OD"))
    assert door.status() == "CARRIER_PICKED_UP"
    assert door.events() == ["??", "OD", "PU", "OC"]
    assert door.next_poll() == timedelta(0)


def test_a_parcel_that_is_asked_about_elsewhere_is_asked_about_and_nothing_is_mixed(door: Door) -> None:
    after_a_poll(door)
    with door.database.write() as tx:
        tx.exec_driver_sql("UPDATE parcels SET source = 'gatherer', route = 'plain gatherer'")
    door.deliver((2, "DL"))
    assert door.events() == ["PU", "OC"]
    assert door.next_poll() == timedelta(0)


def test_a_withdrawn_fulfillment_s_parcel_is_left_alone(door: Door) -> None:
    after_a_poll(door)
    with door.database.write() as tx:
        tx.exec_driver_sql("UPDATE fulfillments SET withdrawn_at = ?", (door.clock.now().isoformat(),))
    door.deliver((2, "DL"))
    assert door.events() == ["PU", "OC"]


def test_of_two_uses_of_a_number_the_newer_one_is_meant(door: Door) -> None:
    door.clock.forward(days=90)
    door.import_orders([NUMBER], known={"plain": Plain.info}, created=door.clock.now(), sourceOrderId="#again")
    door.deliver((90 * 24 + 1, "PU"))
    statuses = door.rows("SELECT status FROM parcels WHERE number = ? ORDER BY use", NUMBER)
    assert [row.status for row in statuses] == [None, "CARRIER_PICKED_UP"]


def test_the_merchants_own_mapping_reads_deliveries_too(door: Door) -> None:
    rules = door.rules._replace(mapping={"IT": INFORMATIONAL})
    door.open(plain=Account(door.line.carrier, rules, SECRET))
    after_a_poll(door)
    door.deliver((3, "IT"))
    assert door.status() == "CARRIER_PICKED_UP"


def test_no_log_line_holds_a_secret_or_a_payload(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), capture_logs() as logs:
        door.post(b'{"told": {"NUM001": "private words"}}')
        door.post(b"private words")
        door.post(b"{}", secret="private words")
    told = caplog.text + str(logs)
    assert SECRET not in told
    assert "private words" not in told


# --- a carrier that tells less of a scan's place when it delivers

UPS = Path(__file__).parents[1] / "carriers" / "ups"
UPS_NUMBER = "1Z8W47A20300003038"
UPS_NOW = datetime(2026, 3, 6, 14, tzinfo=UTC)


@pytest.fixture
def ups(door: Door) -> Door:
    door.clock.time = UPS_NOW
    carrier = Ups()
    door.line = Line(carrier)
    door.line.answer = lambda call: Reply(call.numbers, 200, (UPS / "out_for_delivery.json").read_bytes())
    door.rules = Rules(Cadence(jitter=0), timedelta(days=30), {}, source="ups", sources=("ups",))
    door.open(ups=Account(carrier, door.rules, SECRET))
    door.import_orders([UPS_NUMBER], known={"ups": Ups.info}, company="UPS", created=UPS_NOW - timedelta(days=4))
    return door


def poll_ups(door: Door) -> None:
    poller = door.poller_of("ups", door.line, door.rules, batch=1)
    asyncio.run(poller.run(asyncio.Event()))


def alert(door: Door) -> int:
    return door.post((UPS / "hook.json").read_bytes(), "/hooks/ups", credential=SECRET).status_code


def test_an_alert_after_the_poll_that_told_it_is_no_new_event(ups: Door) -> None:
    poll_ups(ups)
    before = ups.rows("SELECT key, postal_code FROM events ORDER BY id")
    assert alert(ups) == 200
    assert ups.rows("SELECT key, postal_code FROM events ORDER BY id") == before
    assert ups.parcel(UPS_NUMBER).last_hook_at is not None


def test_an_alert_gives_way_to_the_answer_that_tells_more_of_it(ups: Door) -> None:
    assert alert(ups) == 200
    assert ups.status(UPS_NUMBER) == "OUT_FOR_DELIVERY"
    assert ups.pushes() == [("OUT_FOR_DELIVERY", "waiting")]
    poll_ups(ups)
    assert len(ups.events(UPS_NUMBER)) == 6
    [newest] = ups.rows(
        "SELECT postal_code FROM events WHERE withdrawn_at IS NULL AND hooked_at IS NULL"
        " ORDER BY occurred_at DESC LIMIT 1"
    )
    assert newest.postal_code == "53703"
    assert ups.pushes() == [("OUT_FOR_DELIVERY", "waiting")]
