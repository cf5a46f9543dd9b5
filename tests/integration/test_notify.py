"""Webhooks: through `Notifier.run`, on a real database, against an endpoint that answers as the test wants it to.

The signature is made again here by the letter of the Standard Webhooks specification.
"""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from carriers.sdk.errors import Unavailable
from carriers.sdk.exchange import Call, Reply
from carriers.sdk.registry import known_infos
from carriers.sdk.status import FulfillmentStatus as S
from tests.integration.bench import START, Station
from tracker import intake, notify
from tracker.config import Webhook
from tracker.notify import Notifier, Tally, signature
from tracker.relay import ATTEMPTS, FAILURES, LEASE
from tracker.store import messages, outbox, presence, retention
from tracker.store.messages import Endpoint
from tracker.store.outbox import Change

KEY = b"0123456789abcdef0123456789abcdef"
SECRET = "whsec_" + base64.b64encode(KEY).decode()


class Bench(Station):
    """A notifier with its database, and the endpoint's side of the line."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.notifier = self.start()
        self.answer: Callable[[Call], Reply | Exception | None] = lambda call: Reply((), 204, b"")
        self.calls: list[Call] = []
        self.listen(Endpoint("shop"))

    def start(self, name: str = "shop") -> Notifier:
        """A notifier as a process that has just started has it."""
        return Notifier(name, KEY, self, self.writer, self.clock)  # type: ignore[arg-type]

    def listen(self, *endpoints: Endpoint) -> None:
        with self.database.write() as tx:
            messages.sync(tx, endpoints, self.clock.now())

    async def send(self, call: Call) -> Reply:
        self.calls.append(call)
        answer = self.answer(call)
        if isinstance(answer, Exception):
            raise answer
        return answer or await asyncio.Event().wait()  # type: ignore[return-value]

    def order(self, number: str = "794600000017", company: str = "FedEx") -> None:
        self.import_orders([number], known=known_infos(), company=company)

    def become(self, *statuses: S, fulfillment: int = 1) -> None:
        """The fulfillment takes on these statuses, one after the other."""
        for status in statuses:
            with self.database.write() as tx:
                outbox.record(tx, [Change(fulfillment, status, self.clock.now(), "a scan")], self.clock.now())

    def run(self, notifier: Notifier | None = None) -> Tally:
        return asyncio.run((notifier or self.notifier).run(asyncio.Event()))

    def told(self) -> list[str]:
        """The statuses of the messages sent."""
        return [json.loads(call.body or b"")["data"]["status"] for call in self.calls]

    def states(self, endpoint: str = "shop") -> list[tuple[str, str]]:
        rows = self.rows(
            "SELECT h.status, m.state FROM webhook_messages m JOIN status_history h ON h.id = m.change_id"
            " WHERE m.endpoint = ? ORDER BY m.id",
            endpoint,
        )
        return [tuple(row) for row in rows]

    def endpoint(self) -> messages.EndpointState:
        with self.database.read() as tx:
            state = messages.state(tx, "shop")
        assert state is not None
        return state


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.close()


def reply(status: int, **headers: str) -> Callable[[Call], Reply]:
    return lambda call: Reply((), status, b"", {name.replace("_", "-"): value for name, value in headers.items()})


# --- the specification


def test_the_specifications_own_example_is_signed_as_it_says() -> None:
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signed = signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_change_is_told_in_a_signed_message(bench: Bench) -> None:
    bench.order()
    bench.become(S.IN_TRANSIT)
    assert bench.run() == Tally(sent=1)
    [call] = bench.calls
    assert (call.method, call.path, call.headers["Content-Type"]) == ("POST", "", "application/json")
    message_id, timestamp = call.headers["webhook-id"], call.headers["webhook-timestamp"]
    assert message_id.startswith("msg_")
    assert int(timestamp) == bench.clock.now().timestamp()
    content = b".".join([message_id.encode(), timestamp.encode(), call.body or b""])
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    expected = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    assert call.headers["webhook-signature"] == f"v1,{expected}"


def test_it_says_what_the_status_command_shows(bench: Bench) -> None:
    bench.order()
    bench.become(S.IN_TRANSIT)
    bench.run()
    payload = json.loads(bench.calls[0].body or b"")
    assert (payload["type"], payload["timestamp"]) == ("fulfillment.status_changed", START.isoformat())
    data = payload["data"]
    assert data["sourceFulfillmentId"] == "F-794600000017"
    assert data["sourceOrderId"] == "#794600000017"
    assert (data["status"], data["statusAt"], data["reason"]) == ("IN_TRANSIT", START.isoformat(), "a scan")
    assert data["parcels"][0]["trackingNumber"] == "794600000017"
    assert data["parcels"][0]["events"] == []
    assert [change["status"] for change in data["history"]] == ["FULFILLED", "IN_TRANSIT"]
    assert "pushed" in data


# --- every change, in order


def test_every_change_is_told_in_order_and_none_is_superseded(bench: Bench) -> None:
    bench.order()
    bench.become(S.CONFIRMED, S.IN_TRANSIT, S.DELIVERED)
    assert bench.run() == Tally(sent=3)
    assert bench.told() == ["CONFIRMED", "IN_TRANSIT", "DELIVERED"]
    histories = [[c["status"] for c in json.loads(call.body or b"")["data"]["history"]] for call in bench.calls]
    assert histories[0] == ["FULFILLED", "CONFIRMED"]
    assert len({call.headers["webhook-id"] for call in bench.calls}) == 3
    assert [status for status, state in bench.pushes() if state == "waiting"] == ["DELIVERED"]


def test_a_later_change_waits_for_an_earlier_one_of_the_same_fulfillment_only(bench: Bench) -> None:
    bench.order()
    bench.order("794600000028")
    bench.answer = lambda call: Reply((), 500 if b"794600000017" in (call.body or b"") else 200, b"")
    bench.become(S.IN_TRANSIT, S.DELIVERED)
    bench.become(S.IN_TRANSIT, S.DELIVERED, fulfillment=2)
    assert bench.run() == Tally(sent=2, postponed=1)
    assert bench.states() == [
        ("IN_TRANSIT", "waiting"),
        ("DELIVERED", "waiting"),
        ("IN_TRANSIT", "sent"),
        ("DELIVERED", "sent"),
    ]
    bench.answer = reply(200)
    bench.clock.forward(hours=1)
    bench.run()
    assert bench.told()[-2:] == ["IN_TRANSIT", "DELIVERED"]


def test_a_repeated_message_is_the_same_signed_anew(bench: Bench) -> None:
    bench.order()
    bench.become(S.IN_TRANSIT)
    bench.answer = lambda call: Unavailable("no answer")
    bench.run()
    bench.become(S.DELIVERED)  # says nothing new of what was told before
    bench.answer = reply(200)
    bench.clock.forward(minutes=5)
    bench.run()
    first, again, _ = bench.calls
    assert (first.body, first.headers["webhook-id"]) == (again.body, again.headers["webhook-id"])
    assert int(again.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 300
    assert first.headers["webhook-signature"] != again.headers["webhook-signature"]


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (Endpoint("shop"), ["CONFIRMED", "OUT_FOR_DELIVERY", "DELIVERED"]),
        (Endpoint("shop", [S.OUT_FOR_DELIVERY]), ["OUT_FOR_DELIVERY"]),
        (Endpoint("shop", [], ["ups"]), []),
        (Endpoint("shop", [], ["ups", "fedex"]), ["CONFIRMED", "OUT_FOR_DELIVERY", "DELIVERED"]),
        (Endpoint("shop", [S.DELIVERED, S.FAILURE], ["fedex"]), ["DELIVERED"]),
    ],
)
def test_an_endpoint_is_told_what_it_wants(bench: Bench, wanted: Endpoint, told: list[str]) -> None:
    bench.listen(wanted, Endpoint("other"))
    bench.order()
    bench.become(S.CONFIRMED, S.OUT_FOR_DELIVERY, S.DELIVERED)
    bench.run()
    assert bench.told() == told
    assert len(bench.states("other")) == 3


def test_without_endpoints_nothing_is_written(bench: Bench) -> None:
    bench.listen()
    bench.order()
    bench.become(S.IN_TRANSIT)
    assert bench.rows("SELECT * FROM webhook_messages") == []
    assert bench.run() == Tally()


def test_an_endpoint_that_is_gone_gets_nothing_more_and_a_new_one_nothing_of_the_past(bench: Bench) -> None:
    bench.order()
    bench.become(S.IN_TRANSIT)
    bench.listen(Endpoint("new"))
    assert bench.states() == [("IN_TRANSIT", "dropped")]
    assert bench.states("new") == []
    bench.become(S.DELIVERED)
    assert bench.states("new") == [("DELIVERED", "waiting")]


def test_nobody_is_told_of_a_muted_fulfillment(bench: Bench) -> None:
    bench.order()
    with bench.database.write() as tx:
        tx.exec_driver_sql("INSERT INTO mutes VALUES (1, ?, 'me', '')", (START.isoformat(),))
    bench.become(S.IN_TRANSIT)
    assert bench.run() == Tally()
    with bench.database.write() as tx:
        tx.exec_driver_sql("DELETE FROM mutes")
    assert bench.run() == Tally(sent=1)


# --- trouble


@pytest.mark.parametrize("status", [400, 405, 409, 413, 422])
def test_what_is_refused_is_dead_and_the_next_goes_on(bench: Bench, status: int) -> None:
    bench.order()
    bench.become(S.IN_TRANSIT, S.DELIVERED)
    bench.answer = lambda call: Reply((), status if len(bench.calls) == 1 else 200, b"private words")
    assert bench.run() == Tally(sent=1, dead=1)
    assert bench.states() == [("IN_TRANSIT", "dead"), ("DELIVERED", "sent")]
    with bench.database.write() as tx:
        [dead] = messages.listed(tx)
        assert (dead["lastError"], dead["sourceFulfillmentId"]) == (f"HTTP {status}", "F-794600000017")
        assert messages.retry(tx, "shop", bench.clock.now()) == 1
    bench.run()
    assert bench.states() == [("IN_TRANSIT", "sent"), ("DELIVERED", "sent")]


def test_an_endpoint_that_is_gone_for_good_is_left_alone_for_a_day(bench: Bench) -> None:
    bench.order()
    bench.become(S.IN_TRANSIT, S.DELIVERED)
    bench.answer = reply(410)
    assert bench.run() == Tally(dead=1)
    assert bench.endpoint().paused_until == START + timedelta(days=1)
    bench.clock.forward(hours=23)
    assert bench.run() == Tally()
    bench.listen(Endpoint("shop"))  # a new start
    bench.answer = reply(200)
    assert bench.run() == Tally(sent=1)


@pytest.mark.parametrize("status", [301, 401, 403, 404, 429])
def test_trouble_with_the_endpoint_counts_against_no_message(bench: Bench, status: int) -> None:
    bench.order()
    bench.order("794600000028")
    bench.become(S.IN_TRANSIT)
    bench.become(S.IN_TRANSIT, fulfillment=2)
    bench.answer = reply(status, **({"retry_after": "120"} if status == 429 else {}))
    assert bench.run().dead == 0
    assert bench.rows("SELECT DISTINCT attempts, state FROM webhook_messages") == [(0, "waiting")]
    state = bench.endpoint()
    assert state.is_paused(bench.clock.now())
    if status == 429:
        assert state.paused_until == START + timedelta(seconds=120)
    bench.answer = reply(200)
    bench.clock.forward(minutes=3)
    assert bench.run() == Tally(sent=2)
    assert bench.endpoint().failures == 0


def test_a_failing_endpoint_is_paused_and_tried_ever_more_rarely(bench: Bench) -> None:
    for index in range(30):
        bench.order(f"7946000001{index:02}")
        bench.become(S.IN_TRANSIT, fulfillment=index + 1)
    bench.answer = reply(503)
    bench.run()
    assert FAILURES <= len(bench.calls) < 20
    pauses = []
    for _ in range(4):
        until = bench.endpoint().paused_until
        assert until is not None
        pauses.append(until - bench.clock.now())
        assert bench.run() == Tally()
        bench.clock.time = until
        before = len(bench.calls)
        bench.run()
        assert 1 <= len(bench.calls) - before <= notify.CONNECTIONS
    assert pauses == sorted(set(pauses))
    bench.answer = reply(200)
    bench.clock.forward(hours=2)
    assert bench.run().sent == 30


def test_a_message_that_fails_for_ever_is_dead_once_others_arrive(bench: Bench) -> None:
    bench.order()
    bench.order("794600000028")
    bench.become(S.IN_TRANSIT)
    bench.answer = lambda call: Reply((), 500 if b"794600000017" in (call.body or b"") else 200, b"")
    for attempt in range(ATTEMPTS):
        bench.clock.forward(hours=1)
        if attempt % 3 == 1:
            bench.become(S.DELAYED if attempt % 2 else S.IN_TRANSIT, fulfillment=2)
        bench.run()
    assert bench.states()[0] == ("IN_TRANSIT", "dead")


def test_a_message_under_way_when_the_process_dies_is_sent_again_under_its_id(bench: Bench) -> None:
    bench.order()
    bench.become(S.IN_TRANSIT)

    called = asyncio.Event()

    async def killed() -> None:
        run = asyncio.create_task(bench.notifier.run(asyncio.Event()))
        await called.wait()
        run.cancel()  # before it can write anything down
        with pytest.raises(asyncio.CancelledError):
            await run

    bench.answer = lambda call: called.set()
    asyncio.run(killed())
    bench.answer = reply(200)
    assert bench.run(bench.start()) == Tally()  # another process may still be sending it
    with bench.database.write() as tx:
        assert presence.recover(tx, bench.clock.now(), timedelta(seconds=2)) == 1
    bench.clock.forward(seconds=2)
    assert bench.run(bench.start()) == Tally(sent=1)
    assert bench.calls[0].headers["webhook-id"] == bench.calls[1].headers["webhook-id"]
    assert timedelta(seconds=LEASE) > timedelta(seconds=2)


def test_what_was_sent_is_forgotten_and_goes_with_its_fulfillment(bench: Bench) -> None:
    bench.order()
    bench.become(S.IN_TRANSIT)
    bench.run()
    assert bench.rows("SELECT payload FROM webhook_messages") == [(None,)]
    bench.become(S.DELIVERED)
    bench.clock.forward(days=8)
    now = bench.clock.now()
    with bench.database.write() as tx:
        messages.forget(tx, now - notify.SENT_KEPT, now - notify.DEAD_KEPT)
    assert bench.states() == [("DELIVERED", "waiting")]
    with bench.database.write() as tx:
        tx.exec_driver_sql("UPDATE parcels SET ended_at = ?", (START.isoformat(timespec="microseconds"),))
        tx.exec_driver_sql("UPDATE pushes SET state = 'sent'")
        assert retention.forget(tx, now, now) == 1
    assert bench.states() == []


def test_an_import_tells_nobody_and_an_override_by_hand_does(bench: Bench) -> None:
    bench.order()
    assert bench.states() == []
    with bench.database.write() as tx:
        found = intake.read_file("orders.json", b'{"sourceOrderId": "#2"}')
        intake.register(tx, found, bench.clock.now(), known_infos())
    assert bench.states() == []


def test_a_test_message_is_signed_and_says_nothing(bench: Bench) -> None:
    answer = asyncio.run(notify.test("shop", KEY, bench, bench.clock))  # type: ignore[arg-type]
    assert answer.verdict == "done"
    payload = json.loads(bench.calls[0].body or b"")
    assert payload["type"] == "tracker.test"
    assert bench.states() == []


# --- configuration


@pytest.mark.parametrize(
    "wrong",
    [
        {"secret": "0123456789abcdef0123456789abcdef"},
        {"secret": "whsec_c2hvcnQ="},
        {"secret": "whsec_not base64"},
        {"url": "ftp://example.com"},
        {"url": "https://user:password@example.com/"},
        {"name": "Two words"},
        {"statuses": ["ARRIVED"]},
        {"carriers": ["pigeon"]},
        {"final": True, "statuses": ["DELIVERED"]},
    ],
)
def test_a_webhook_that_cannot_work_is_refused_without_its_secret(wrong: dict[str, Any]) -> None:
    good: dict[str, Any] = {"name": "shop", "url": "https://example.com/hook/?t=1", "secret": SECRET}
    webhook = Webhook(**good, statuses=["delivered"])
    assert (webhook.url, webhook.key, webhook.wanted) == ("https://example.com/hook/?t=1", KEY, (S.DELIVERED,))
    assert SECRET not in repr(webhook)
    with pytest.raises(ValidationError) as refused:
        Webhook(**{**good, **wrong})
    assert "password" not in str(refused.value).replace("name and password", "")
    assert str(wrong.get("secret", "nothing")) not in str(refused.value)


def test_final_means_the_end_of_a_parcel() -> None:
    webhook = Webhook(name="shop", url="https://example.com", secret=SECRET, final=True)
    assert set(webhook.wanted) == {S.DELIVERED, S.PICKED_UP, S.FAILURE}


def test_times_are_the_changes_own(bench: Bench) -> None:
    bench.order()
    with bench.database.write() as tx:
        at = START - timedelta(hours=3)
        outbox.record(tx, [Change(1, S.IN_TRANSIT, at, "late upload")], bench.clock.now())
    bench.run()
    payload = json.loads(bench.calls[0].body or b"")
    assert datetime.fromisoformat(payload["data"]["statusAt"]) == at
    assert datetime.fromisoformat(payload["timestamp"]) == START
