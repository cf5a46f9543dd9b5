"""`tracker hooks`: what it shows of both directions, and what it never shows."""

import base64
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from carriers.sdk.registry import known_infos
from carriers.sdk.status import FulfillmentStatus as S
from tests.integration.bench import START, Station
from tracker.cli import main
from tracker.store import hooks, messages, outbox
from tracker.store.messages import Endpoint
from tracker.store.outbox import Change

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()


class Ran(NamedTuple):
    code: object
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    station = Station(tmp_path)
    yield station
    station.close()


@pytest.fixture
def receiver() -> Iterator[tuple[str, list[int]]]:
    """An address, and what it is to answer next."""
    answers: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(answers.pop())
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/private-path?key=private-key", answers
    server.shutdown()
    server.server_close()


@pytest.fixture
def tracker(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    receiver: tuple[str, list[int]],
) -> Callable[..., Ran]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    config = {
        "carriers": {
            "ups": {"credentials": {"client_id": "a", "client_secret": "b"}, "webhook_secret": "ups-credential"},
            "fedex": {"credentials": {"api_key": "a", "secret_key": "b"}},
            "usps": {"credentials": {"consumer_key": "a", "consumer_secret": "b"}},
            "seventeentrack": {"credentials": {"api_key": "c"}},
        },
        "webhooks": [{"name": "shop", "url": receiver[0], "secret": SECRET, "final": True}],
    }
    (tmp_path / "config.yaml").write_text(json.dumps(config))

    def run(*arguments: str) -> Ran:
        with pytest.raises(SystemExit) as ended:
            main(["hooks", *arguments])
        return Ran(ended.value.code, *capsys.readouterr())

    return run


def test_both_directions_are_shown_without_secrets(station: Station, tracker: Callable[..., Ran]) -> None:
    with station.database.write() as tx:
        hooks.remember(tx, "ups", "one", START)
        hooks.note(tx, "ups", "one", news=2, parcels=1, unknown=3)
    shown = tracker("--json")
    incoming = {one["account"]: one for one in shown.json["incoming"]}
    assert incoming.keys() == {"ups", "fedex", "seventeentrack"}
    assert (incoming["ups"]["path"], incoming["ups"]["secret"]) == ("/hooks/ups", True)
    assert (incoming["ups"]["deliveries"], incoming["ups"]["news"], incoming["ups"]["unknown"]) == (1, 2, 3)
    assert (incoming["fedex"]["secret"], incoming["seventeentrack"]["secret"]) == (False, True)
    [outgoing] = shown.json["outgoing"]
    assert (outgoing["name"], outgoing["host"]) == ("shop", "127.0.0.1")
    assert outgoing["statuses"] == ["DELIVERED", "FAILURE", "PICKED_UP"]
    table = tracker()
    assert "missing" in table.out
    for secret in ("ups-credential", SECRET, "private-key", "private-path"):
        assert secret not in table.out + shown.out


def test_without_a_database_it_still_says_what_is_configured(tracker: Callable[..., Ran]) -> None:
    assert tracker("--json").json["incoming"][0]["deliveries"] == 0


def test_dead_messages_are_shown_retried_and_given_up(station: Station, tracker: Callable[..., Ran]) -> None:
    station.import_orders(["794600000017"], known=known_infos(), company="FedEx")
    with station.database.write() as tx:
        messages.sync(tx, [Endpoint("shop")], START)
        outbox.record(tx, [Change(1, S.DELIVERED, START, "a scan")], START)
        tx.exec_driver_sql("UPDATE webhook_messages SET state = 'dead', last_error = 'HTTP 400', done_at = created_at")
    assert tracker("--json").json["outgoing"][0]["dead"] == 1
    assert "HTTP 400" in tracker().out
    assert tracker("retry", "shop", "--json").json == {"action": "retry", "changed": 1}
    assert tracker("--json").json["outgoing"][0]["waiting"] == 1
    assert tracker("drop", "shop").out.strip() == "0 messages given up"
    wrong = tracker("retry", "nobody")
    assert (wrong.code, "shop" in wrong.err) == (2, True)


def test_a_test_message_tells_whether_it_was_taken(
    tracker: Callable[..., Ran], receiver: tuple[str, list[int]]
) -> None:
    receiver[1].append(204)
    assert tracker("test", "shop", "--json").json == {"name": "shop", "taken": True, "error": None}
    receiver[1].append(401)
    refused = tracker("test", "shop")
    assert (refused.code, "HTTP 401" in refused.err) == (1, True)
    assert "private-key" not in refused.err


def test_a_secret_is_made_as_the_configuration_wants_it(tracker: Callable[..., Ran]) -> None:
    made = tracker("secret").out.strip()
    assert made.startswith("whsec_")
    assert len(base64.b64decode(made.removeprefix("whsec_"))) == 32
    assert tracker("secret", "--json").json["secret"] != made


def test_a_secret_for_a_carrier_that_delivers_nothing_is_a_mistake(tracker: Callable[..., Ran], tmp_path: Path) -> None:
    text = (tmp_path / "config.yaml").read_text()
    (tmp_path / "config.yaml").write_text(
        text.replace('"consumer_secret": "b"}', '"consumer_secret": "b"}, "webhook_secret": "x"')
    )
    wrong = tracker()
    assert (wrong.code, "carriers.usps.webhook_secret" in wrong.err) == (2, True)
