"""Order Protection's own calls through the tracker: forwarded as they came, followed from then on, and kept in line
while Order Protection is down."""

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from carriers.sdk.errors import RateLimited
from carriers.sdk.exchange import Call, Reply
from carriers.sdk.status import FulfillmentStatus as S
from tests.integration.api_bench import DOWN, REFUSED, ApiBench, fulfillment, order, push, reply, run
from tracker import web
from tracker.config import Web
from tracker.store import forwards

NEW = "/v1/orders/%23517AB/fulfillments"
ONE = f"{NEW}/F-1"


@pytest.fixture
def bench(tmp_path: Path) -> ApiBench:
    return ApiBench(tmp_path)


@pytest.fixture
def patient(tmp_path: Path) -> ApiBench:
    """One that queues."""
    return ApiBench(tmp_path, front_door="queue")


def followed(bench: ApiBench) -> list[str]:
    return [number for (number,) in bench.rows("SELECT number FROM parcels ORDER BY id")]


def waiting(bench: ApiBench) -> list[tuple[str, str]]:
    return bench.rows("SELECT method, path FROM forwarded_calls WHERE state = 'waiting' ORDER BY id")


def pushes(bench: ApiBench) -> list[tuple[str, str]]:
    return bench.rows("SELECT status, state FROM pushes ORDER BY id")


def told(bench: ApiBench) -> list[tuple[str, str]]:
    return [(call.method, call.path) for call in bench.calls]


def test_an_order_is_forwarded_as_it_came_and_its_parcels_are_followed(bench: ApiBench) -> None:
    bench.answer = lambda call: reply(201)
    body = json.dumps(order("#517AB", fulfillment()), indent=3).encode()
    answer = bench.ask("POST", "/v1/orders", content=body, headers={"Content-Type": "application/json; charset=utf-8"})
    assert (answer.status_code, answer.json()) == (201, {"status": "ok"})
    [call] = bench.calls
    assert (call.method, call.path, call.body) == ("POST", "/v1/orders", body)
    assert dict(call.headers) == {"Content-Type": "application/json; charset=utf-8"}
    assert followed(bench) == ["794600000017"]
    [item] = bench.get("/api/fulfillments")["items"]
    assert (item["sourceOrderId"], item["sourceFulfillmentId"], item["status"]) == ("#517AB", "F-1", "FULFILLED")


def test_of_the_customer_nothing_is_kept(bench: ApiBench) -> None:
    bench.ask("POST", "/v1/orders", body=order("#517AB", fulfillment()))
    bench.database.close()
    held = b"".join(file.read_bytes() for file in bench.database.path.parent.iterdir())
    assert b"ada@example.com" in (bench.calls[0].body or b"")
    assert b"#517AB" in held
    assert b"ada@example.com" not in held


@pytest.mark.parametrize(
    "path",
    [
        "/v1/orders/%23517AB/fulfillments",
        "/v1/orders/a%2Fb%20%3F%25/fulfillments",
        "/v1/orders/%C3%A9/fulfillments?x=1%2C2",
    ],
)
def test_a_path_is_forwarded_as_it_is_encoded(bench: ApiBench, path: str) -> None:
    bench.ask("POST", path, body=fulfillment())
    bench.ask("GET", path)
    assert told(bench) == [("POST", path), ("GET", path)]


def test_an_order_id_with_a_slash_is_one_id(bench: ApiBench) -> None:
    bench.ask("POST", "/v1/orders/a%2Fb%23%20c/fulfillments", body=fulfillment("x/y"))
    assert bench.get("/api/fulfillments/x%2Fy")["sourceOrderId"] == "a/b# c"
    bench.ask("PUT", "/v1/orders/a%2Fb%23%20c/fulfillments/x%2Fy", body={"status": "DELAYED"})
    assert bench.get("/api/fulfillments/x%2Fy")["status"] == "DELAYED"


def test_the_own_credentials_are_not_the_callers(bench: ApiBench) -> None:
    token = bench.token()
    bench.ask("POST", NEW, body=fulfillment(), token=token, headers={"X-Api-Key": "other"})
    [call] = bench.calls
    assert set(call.headers) == {"Content-Type"}


def test_what_order_protection_answers_is_answered(bench: ApiBench) -> None:
    bench.answer = lambda call: reply(418, b"<b>no</b>", content_type="text/html", retry_after="7", set_cookie="a=b")
    answer = bench.ask("POST", NEW, body=fulfillment())
    assert (answer.status_code, answer.content) == (418, b"<b>no</b>")
    assert answer.headers["content-type"] == "text/html"
    assert answer.headers["retry-after"] == "7"
    assert "set-cookie" not in answer.headers
    known = b'[{"sourceFulfillmentId":"F-1"}]'
    bench.answer = lambda call: reply(200, known)
    assert bench.ask("GET", NEW).content == known


@pytest.mark.parametrize("status", [400, 404, 422, 500, 503])
def test_of_a_call_that_is_refused_nothing_is_kept(bench: ApiBench, status: int) -> None:
    bench.answer = lambda call: reply(status)
    assert bench.ask("POST", "/v1/orders", body=order("#517AB", fulfillment())).status_code == status
    assert followed(bench) == []
    assert waiting(bench) == []


def test_an_order_that_was_there_before_is_followed_all_the_same(bench: ApiBench) -> None:
    bench.answer = lambda call: reply(409, b'{"message":"the order exists"}')
    assert bench.ask("POST", "/v1/orders", body=order("#517AB", fulfillment())).status_code == 409
    assert followed(bench) == ["794600000017"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'"F-1"',
        b'{"sourceFulfillmentId": 7}',
        b'{"sourceFulfillmentId":"F","fulfillmentStatus":"GONE"}',
    ],
)
def test_a_body_that_cannot_be_read_is_order_protections_to_judge(
    bench: ApiBench, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    for status in (400, 200):
        bench.answer = lambda call, status=status: reply(status)  # type: ignore[misc]
        assert bench.ask("POST", NEW, content=content).status_code == status
        assert bench.calls[-1].body == (content or None)
    assert followed(bench) == []
    log = capsys.readouterr().out
    assert "cannot be read" in log
    assert "GONE" not in log


def test_the_same_call_twice_changes_nothing(bench: ApiBench) -> None:
    for _ in range(2):
        bench.ask("POST", "/v1/orders", body=order("#517AB", fulfillment()))
    assert followed(bench) == ["794600000017"]
    assert len(bench.rows("SELECT 1 FROM status_history")) == 1


def test_an_order_that_comes_again_withdraws_nothing(bench: ApiBench) -> None:
    bench.ask("POST", "/v1/orders", body=order("#517AB"))
    bench.ask("POST", NEW, body=fulfillment())
    bench.answer = lambda call: reply(409)
    bench.ask("POST", "/v1/orders", body=order("#517AB"))
    assert len(bench.get("/api/fulfillments")["items"]) == 1


def test_a_merchants_status_is_taken_while_no_carrier_spoke(bench: ApiBench) -> None:
    bench.ask("POST", NEW, body=fulfillment())
    bench.ask("PUT", ONE, body={"status": "label_printed"})
    whole = bench.get("/api/fulfillments/F-1")
    assert whole["status"] == "LABEL_PRINTED"
    assert [change["status"] for change in whole["history"]] == ["FULFILLED", "LABEL_PRINTED"]
    assert pushes(bench) == []
    assert json.loads(bench.calls[-1].body or b"") == {"status": "label_printed"}


def test_a_merchants_status_never_replaces_a_carriers_which_is_told_again(bench: ApiBench) -> None:
    bench.ask("POST", NEW, body=fulfillment())
    bench.become("F-1", S.OUT_FOR_DELIVERY)
    with bench.database.write() as tx:
        tx.exec_driver_sql("UPDATE pushes SET state = 'sent'")
    assert bench.ask("PUT", ONE, body={"status": "FULFILLED"}).status_code == 200
    assert bench.calls[-1].path == ONE
    assert bench.get("/api/fulfillments/F-1")["status"] == "OUT_FOR_DELIVERY"
    assert pushes(bench) == [("OUT_FOR_DELIVERY", "sent"), ("OUT_FOR_DELIVERY", "waiting")]
    bench.ask("PUT", ONE, body={"status": "FULFILLED"})
    assert len(pushes(bench)) == 2  # one that waits will tell it anyhow


def test_a_merchant_who_says_what_the_carrier_said_causes_no_push(bench: ApiBench) -> None:
    bench.ask("POST", NEW, body=fulfillment())
    bench.become("F-1", S.DELIVERED)
    with bench.database.write() as tx:
        tx.exec_driver_sql("UPDATE pushes SET state = 'sent'")
    bench.ask("PUT", ONE, body={"status": "DELIVERED"})
    assert pushes(bench) == [("DELIVERED", "sent")]


def test_the_status_of_something_unknown_here_is_only_forwarded(bench: ApiBench) -> None:
    assert bench.ask("PUT", ONE, body={"status": "DELAYED"}).status_code == 200
    assert bench.rows("SELECT 1 FROM fulfillments") == []


def test_a_change_of_an_order_is_taken(bench: ApiBench) -> None:
    bench.ask("POST", "/v1/orders", body=order("#517AB", fulfillment()))
    bench.ask("PUT", "/v1/orders/%23517AB", body={"sourceCancelledAt": "2026-03-02T10:00:00.000Z"})
    assert told(bench)[-1] == ("PUT", "/v1/orders/%23517AB")
    [(cancelled,)] = bench.rows("SELECT cancelled_at FROM orders")
    assert cancelled.startswith("2026-03-02T10:00")
    assert followed(bench) == ["794600000017"]


def test_over_a_socket_paths_are_as_they_came_and_lead_nowhere_else(bench: ApiBench) -> None:
    async def call(url: str, path: str) -> bytes:
        """By hand: an HTTP client would tidy the path up."""
        host, port = url.removeprefix("http://").rstrip("/").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
        return answer

    async def work() -> list[bytes]:
        async with web.serve(bench.app, Web(port=0)) as url:
            return [await call(url, f"/v1/orders/{id}/fulfillments") for id in ("a%2Fb%23%20c", "..", "%2e%2e")]

    assert all(answer.startswith(b"HTTP/1.1 200 OK") for answer in run(work()))
    assert [call.path for call in bench.calls] == [
        "/v1/orders/a%2Fb%23%20c/fulfillments",
        "/v1/orders/%2E%2E/fulfillments",
        "/v1/orders/%2e%2e/fulfillments",
    ]


def test_a_body_that_is_too_large_is_not_taken(bench: ApiBench) -> None:
    assert bench.ask("POST", "/v1/orders", content=b" " * 5_000_001).status_code == 413
    assert bench.calls == []


def test_without_credentials_calls_are_refused_and_can_be_repeated(tmp_path: Path) -> None:
    bench = ApiBench(tmp_path, connected=False)
    for method, url in (("POST", "/v1/orders"), ("GET", NEW), ("PUT", ONE)):
        refused = bench.ask(method, url, body=order("#517AB", fulfillment()))
        assert refused.status_code == 503
        assert int(refused.headers["retry-after"]) > 0
        assert "Nothing was kept" in refused.json()["detail"]
    assert followed(bench) == []


def test_while_order_protection_is_down_calls_are_refused(bench: ApiBench) -> None:
    bench.answer = lambda call: DOWN
    refused = bench.ask("POST", "/v1/orders", body=order("#517AB", fulfillment()))
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "30")
    assert len(bench.calls) == 1  # another try is the caller's to make
    bench.answer = lambda call: RateLimited("HTTP 429", retry_after=4.2)
    assert bench.ask("POST", NEW, body=fulfillment()).headers["retry-after"] == "5"
    assert followed(bench) == []
    bench.answer = lambda call: reply(201)
    assert bench.ask("POST", "/v1/orders", body=order("#517AB", fulfillment())).status_code == 201
    assert followed(bench) == ["794600000017"]


@pytest.mark.parametrize("answer", [REFUSED, reply(401), reply(403), reply(302)])
def test_refused_credentials_are_the_trackers_not_the_callers(bench: ApiBench, answer: Reply | Exception) -> None:
    bench.answer = lambda call: answer
    for method in ("GET", "POST"):
        refused = bench.ask(method, NEW, body=fulfillment())
        assert refused.status_code == 502
        assert "`orders`" in refused.json()["detail"]


@pytest.mark.parametrize("trouble", [DOWN, REFUSED, reply(401), reply(429), reply(500), reply(503), reply(408)])
def test_a_call_waits_while_order_protection_cannot_take_it(patient: ApiBench, trouble: Reply | Exception) -> None:
    patient.answer = lambda call: trouble
    answer = patient.ask("POST", "/v1/orders", body=order("#517AB", fulfillment()))
    assert (answer.status_code, answer.json()) == (202, {"status": "queued"})
    assert followed(patient) == ["794600000017"]
    assert patient.get("/api/stats")["forwards"]["waiting"] == 1
    patient.answer = lambda call: reply(201)
    assert patient.deliver().delivered == 1
    assert told(patient)[-1] == ("POST", "/v1/orders")
    assert patient.calls[-1].body == patient.calls[0].body
    assert patient.rows("SELECT 1 FROM forwarded_calls") == []


def test_calls_without_credentials_wait_too(tmp_path: Path) -> None:
    bench = ApiBench(tmp_path, connected=False, front_door="queue")
    assert bench.ask("POST", "/v1/orders", body=order("#517AB", fulfillment())).status_code == 202
    assert followed(bench) == ["794600000017"]


def test_a_question_never_waits(patient: ApiBench) -> None:
    patient.answer = lambda call: DOWN
    assert patient.ask("GET", NEW).status_code == 503
    assert waiting(patient) == []


def test_calls_of_an_order_keep_their_order_and_others_pass(patient: ApiBench) -> None:
    patient.answer = lambda call: DOWN
    patient.ask("POST", "/v1/orders", body=order("#517AB"))
    patient.answer = lambda call: reply(200)
    assert patient.ask("POST", NEW, body=fulfillment()).status_code == 202  # though it could be given now
    assert patient.ask("PUT", ONE, body={"status": "DELAYED"}).status_code == 202
    assert patient.ask("POST", "/v1/orders", body=order("#2")).status_code == 200
    patient.calls.clear()
    assert patient.deliver().delivered == 3
    assert told(patient) == [("POST", "/v1/orders"), ("POST", NEW), ("PUT", ONE)]


def test_what_waits_keeps_its_place_when_the_setting_changes(patient: ApiBench) -> None:
    patient.answer = lambda call: DOWN
    patient.ask("POST", "/v1/orders", body=order("#517AB"))
    patient.answer = lambda call: reply(200)
    strict = ApiBench(patient.database.path.parent)
    assert strict.ask("POST", NEW, body=fulfillment()).status_code == 202
    assert strict.ask("POST", "/v1/orders", body=order("#2")).status_code == 200
    assert waiting(strict) == [("POST", "/v1/orders"), ("POST", NEW)]


def test_one_call_that_fails_holds_up_its_order_alone(patient: ApiBench) -> None:
    patient.answer = lambda call: reply(500)
    patient.ask("POST", NEW, body=fulfillment())
    patient.ask("PUT", ONE, body={"status": "DELAYED"})
    patient.ask("POST", "/v1/orders", body=order("#2"))
    patient.answer = lambda call: reply(500 if "%23517AB" in call.path else 201)
    tally = patient.deliver()
    assert (tally.delivered, tally.postponed) == (1, 1)
    assert waiting(patient) == [("POST", NEW), ("PUT", ONE)]
    patient.answer = lambda call: reply(200)
    assert patient.deliver().delivered == 0  # not due yet
    patient.clock.forward(seconds=10)
    assert patient.deliver().delivered == 2


def test_when_it_is_order_protection_nothing_else_is_tried(patient: ApiBench) -> None:
    patient.answer = lambda call: DOWN
    for number in range(5):
        patient.ask("POST", "/v1/orders", body=order(f"#{number}"))
    patient.calls.clear()
    assert patient.deliver().postponed == 1
    assert patient.deliver().postponed == 0
    assert len(patient.calls) == 1
    patient.answer = lambda call: reply(200)
    patient.clock.forward(minutes=1)
    assert patient.deliver().delivered == 5


@pytest.mark.parametrize("status", [400, 404, 422])
def test_a_call_that_is_refused_later_is_dead_and_empty(patient: ApiBench, status: int) -> None:
    patient.answer = lambda call: DOWN
    patient.ask("POST", "/v1/orders", body=order("#517AB", fulfillment()))
    patient.answer = lambda call: reply(status, b'{"message":"ada@example.com is no address"}')
    assert patient.deliver().dead == 1
    assert patient.rows("SELECT state, body, last_error FROM forwarded_calls") == [("dead", None, f"HTTP {status}")]
    assert patient.get("/api/stats")["forwards"] == {"waiting": 0, "dead": 1, "oldestWaitingAt": None}
    patient.clock.forward(hours=1)
    assert patient.deliver().dead == 0


def test_a_call_that_arrived_before_is_done(patient: ApiBench) -> None:
    patient.answer = lambda call: DOWN
    patient.ask("POST", NEW, body=fulfillment())
    patient.answer = lambda call: reply(409)
    assert patient.deliver().delivered == 1
    assert patient.rows("SELECT 1 FROM forwarded_calls") == []


def test_what_a_delivered_call_held_is_gone_from_the_file(patient: ApiBench) -> None:
    def held() -> bool:
        with closing(sqlite3.connect(patient.database.path)) as other:
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return any(b"ada@example.com" in file.read_bytes() for file in patient.database.path.parent.iterdir())

    patient.answer = lambda call: DOWN
    patient.ask("POST", "/v1/orders", body=order("#517AB", fulfillment()))
    assert held()
    patient.answer = lambda call: reply(201)
    assert patient.deliver().delivered == 1
    assert not held()


def test_no_push_overtakes_the_calls_of_its_order(patient: ApiBench) -> None:
    patient.answer = lambda call: DOWN
    patient.ask("POST", "/v1/orders", body=order("#517AB", fulfillment()))
    patient.become("F-1", S.IN_TRANSIT)
    patient.answer = lambda call: reply(200)
    patient.calls.clear()
    assert push(patient).pushed == 0
    assert patient.deliver().delivered == 1
    assert push(patient).pushed == 1
    assert told(patient) == [("POST", "/v1/orders"), ("PUT", ONE)]


def test_a_status_given_meanwhile_is_told_after_the_call(patient: ApiBench) -> None:
    patient.ask("POST", NEW, body=fulfillment())
    patient.become("F-1", S.DELIVERED)
    with patient.database.write() as tx:
        tx.exec_driver_sql("UPDATE pushes SET state = 'sent'")
    patient.answer = lambda call: DOWN
    patient.ask("PUT", ONE, body={"status": "FULFILLED"})
    patient.answer = lambda call: reply(200)
    patient.deliver()
    assert pushes(patient) == [("DELIVERED", "sent"), ("DELIVERED", "waiting")]


def test_what_waited_is_registered_once(patient: ApiBench) -> None:
    patient.answer = lambda call: DOWN
    patient.ask("POST", NEW, body=fulfillment())
    patient.ask("PUT", ONE, body={"status": "LABEL_PRINTED"})
    patient.answer = lambda call: reply(200)
    patient.deliver()
    assert [change["status"] for change in patient.get("/api/fulfillments/F-1")["history"]] == [
        "FULFILLED",
        "LABEL_PRINTED",
    ]


def test_a_call_under_lease_is_not_made_twice(patient: ApiBench) -> None:
    patient.answer = lambda call: DOWN
    patient.ask("POST", NEW, body=fulfillment())
    patient.calls.clear()
    seen = []

    def second(call: Call) -> Reply:
        with patient.database.write() as tx:
            now = patient.clock.now()
            seen.append(forwards.claim(tx, token="other", now=now, until=now))
        return reply(200)

    patient.answer = second
    assert patient.deliver().delivered == 1
    assert seen == [None]
