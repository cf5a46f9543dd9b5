"""A carrier delivers by itself to the real daemon, over HTTP: the status reaches Order Protection and a webhook, and
kill -9 in between loses nothing."""

import base64
import hashlib
import hmac
import json
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

UPS_SECRET = "ups-track-alert-credential"
KEY = b"acceptance-acceptance-acceptance"


class Receiver:
    """Somebody who is told of status changes, and checks the signature as the specification says."""

    def __init__(self) -> None:
        self.down = False
        self.told: list[tuple[str, dict[str, Any]]] = []
        """Message ids with what they said, in the order they were taken."""
        self.forged = 0
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(receiver.take(dict(self.headers.items()), body))
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/parcels"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def take(self, headers: dict[str, str], body: bytes) -> int:
        """The answer to a message."""
        message_id = headers["webhook-id"]
        content = f"{message_id}.{headers['webhook-timestamp']}.".encode() + body
        signed = "v1," + base64.b64encode(hmac.new(KEY, content, hashlib.sha256).digest()).decode()
        if signed != headers["webhook-signature"]:
            self.forged += 1
            return 401
        if self.down:
            return 503
        self.told.append((message_id, json.loads(body)["data"]))
        return 204

    def statuses(self, fulfillment: str) -> list[str]:
        """What it was told of a fulfillment, repetitions aside."""
        once = dict.fromkeys(
            (id, data["status"]) for id, data in self.told if data["sourceFulfillmentId"] == fulfillment
        )
        return [status for _, status in once]

    def close(self) -> None:
        """Close the port."""
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def deliver(town: Any, number: str, code: tuple[str, str, str], secret: str = UPS_SECRET) -> int:
    """UPS sends a Track Alert of what happens now; the answer's status, 0 where there is none."""
    now = town.clock.now()
    type_, scan, status = code
    alert = {
        "trackingNumber": number,
        "localActivityDate": f"{now:%Y%m%d}",
        "localActivityTime": f"{now:%H%M%S}",
        "gmtActivityDate": f"{now:%Y%m%d}",
        "gmtActivityTime": f"{now:%H%M%S}",
        "activityLocation": {"city": "Reno", "stateProvince": "NV", "postalCode": "", "country": "US"},
        "activityStatus": {"type": type_, "code": scan, "description": "", "descriptionCode": status},
    }
    request = urllib.request.Request(
        f"http://127.0.0.1:{town.config['web']['port']}/hooks/ups",
        json.dumps(alert).encode(),
        {"Content-Type": "application/json", "credential": secret},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code
    except OSError:
        return 0


OUT_FOR_DELIVERY, DELIVERED = ("I", "OT", "021"), ("D", "FS", "011")


def test_a_delivery_reaches_everybody_though_the_daemon_is_killed(
    new_town: Callable[..., Any], receiver: Receiver
) -> None:
    town = new_town(parcels=60, speed=60, seed=3, labels=(-30, -20), carriers=("ups",))
    town.config["web"] = {"enabled": True, "port": free_port()}
    town.config["carriers"]["ups"]["webhook_secret"] = UPS_SECRET
    secret = "whsec_" + base64.b64encode(KEY).decode()
    town.config["webhooks"] = [{"name": "warehouse", "url": receiver.url, "secret": secret}]
    town.write_config()
    town.ask("freeze", method="PUT")  # from now on, news come by delivery alone
    town.import_orders()
    daemon = town.daemon()
    town.wait_until(
        lambda: not town.count("SELECT COUNT(*) FROM parcels WHERE last_polled_at IS NULL"), 30, "all parcels polled"
    )
    town.wait_until(lambda: town.logged("the page is up"), 30, "an open door")
    moving = town.rows(
        "SELECT p.number, f.source_fulfillment_id FROM parcels p JOIN fulfillment_parcels l ON l.parcel_id = p.id"
        " JOIN fulfillments f ON f.id = l.fulfillment_id WHERE p.status IN ('IN_TRANSIT', 'CARRIER_PICKED_UP')"
        " AND (SELECT COUNT(*) FROM fulfillment_parcels WHERE fulfillment_id = f.id) = 1"
        " AND (SELECT COUNT(*) FROM fulfillment_parcels WHERE parcel_id = p.id) = 1 ORDER BY p.number LIMIT 6"
    )
    assert len(moving) == 6
    (number, fulfillment), *rest = moving
    town.wait_until(lambda: not town.count("SELECT COUNT(*) FROM pending_pushes"), 30, "an empty outbox")

    assert deliver(town, number, DELIVERED, secret="guessed") == 401
    assert deliver(town, number, OUT_FOR_DELIVERY) == 200
    town.wait_until(lambda: receiver.statuses(fulfillment)[-1:] == ["OUT_FOR_DELIVERY"], 20, "the webhook told")
    town.wait_until(lambda: held(town, fulfillment) == "OUT_FOR_DELIVERY", 20, "Order Protection told")

    receiver.down = True
    town.faults(order_protection={"down": True})
    assert deliver(town, number, DELIVERED) == 200  # it is saved, and nobody can be told
    answers = []
    killer = threading.Timer(0.02, daemon.kill)
    killer.start()
    for other, _ in rest:
        answers.append(deliver(town, other, DELIVERED))
    killer.join()
    daemon.wait()
    taken = {other for (other, _), answer in zip(rest, answers, strict=True) if answer == 200}
    saved = {row[0] for row in town.rows("SELECT number FROM parcels WHERE status = 'DELIVERED'")}
    assert {number} | taken <= saved  # what was answered is there

    receiver.down = False
    town.faults(order_protection={})
    daemon = town.daemon()
    town.wait_until(lambda: len(town.logged("the page is up")) == 2, 30, "an open door again")
    for (other, _), answer in zip(rest, answers, strict=True):
        if answer == 0:  # UPS itself does not repeat; whoever does is answered alike
            assert deliver(town, other, DELIVERED) == 200
    for _, one in moving:
        town.wait_until(lambda one=one: receiver.statuses(one)[-1:] == ["DELIVERED"], 40, f"the webhook told of {one}")
        town.wait_until(lambda one=one: held(town, one) == "DELIVERED", 40, f"Order Protection told of {one}")
    assert receiver.statuses(fulfillment)[-2:] == ["OUT_FOR_DELIVERY", "DELIVERED"]
    assert receiver.forged == 0
    assert town.refused_pushes() == {}
    town.wait_until(
        lambda: not town.count("SELECT COUNT(*) FROM webhook_messages WHERE state = 'waiting'"), 20, "nothing waiting"
    )
    assert town.stop(daemon) == 0
    assert town.logged("heartbeat failed") == []
    log = town.log_file.read_text()
    assert UPS_SECRET not in log
    assert secret not in log


def held(town: Any, fulfillment: str) -> str | None:
    """What Order Protection holds of a fulfillment."""
    for entry in town.ask("stats")["orderProtection"]["fulfillments"]:
        if entry["sourceFulfillmentId"] == fulfillment and entry["history"]:
            status: str = entry["history"][-1]["status"]
            return status
    return None
