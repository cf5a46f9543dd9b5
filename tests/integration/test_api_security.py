"""Who gets in: tokens with roles, loopback, foreign names and foreign pages."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.integration.api_bench import NOW, ApiBench, fulfillment, order
from tracker import web
from tracker.cli import app as cli
from tracker.models import Role
from tracker.store import tokens
from tracker.store.database import Database


@pytest.fixture
def bench(tmp_path: Path) -> ApiBench:
    return ApiBench(tmp_path)


def test_on_loopback_everything_is_open_while_there_is_no_token(bench: ApiBench) -> None:
    assert bench.ask("GET", "/api/stats").status_code == 200
    assert bench.ask("POST", "/v1/orders", body=order()).status_code == 200


def test_as_soon_as_there_is_a_token_it_is_demanded(bench: ApiBench) -> None:
    token = bench.token()
    for method, url in (("GET", "/api/fulfillments"), ("GET", "/api/openapi.json"), ("POST", "/v1/orders")):
        refused = bench.ask(method, url, body=order())
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"].startswith("Bearer ")
        assert refused.headers["content-type"] == "application/problem+json"
        assert "tracker token add" in refused.json()["detail"]
    assert bench.calls == []
    assert bench.ask("GET", "/api/fulfillments", token=token).status_code == 200
    assert bench.ask("POST", "/v1/orders", body=order(), token=token).status_code == 200


def test_a_reader_may_only_read(bench: ApiBench) -> None:
    bench.take(order("#1", fulfillment()))
    token = bench.token(role=Role.READ)
    assert bench.ask("GET", "/api/parcels/794600000017", token=token).status_code == 200
    assert bench.ask("GET", "/v1/orders/1/fulfillments", token=token).status_code == 200
    for method, url in (("POST", "/api/parcels/794600000017/poll"), ("PUT", "/v1/orders/1"), ("POST", "/v1/orders")):
        refused = bench.ask(method, url, body={}, token=token)
        assert refused.status_code == 403
        assert "role write" in refused.json()["detail"]


@pytest.mark.parametrize("change", [lambda token: token[:-1], lambda token: token[:-1] + "~", lambda token: ""])
def test_only_the_whole_token_counts(bench: ApiBench, change: Callable[[str], str]) -> None:
    token = bench.token()
    assert bench.ask("GET", "/api/stats", token=change(token)).status_code == 401


def test_a_token_ends_when_it_expires_or_is_revoked(bench: ApiBench) -> None:
    other = bench.token("other")
    short = bench.token("short", expires_at=NOW + timedelta(hours=1))
    assert bench.ask("GET", "/api/stats", token=short).status_code == 200
    bench.clock.forward(hours=1)
    assert bench.ask("GET", "/api/stats", token=short).status_code == 401
    with bench.database.write() as tx:
        assert tokens.revoke(tx, "other")
    assert bench.ask("GET", "/api/stats", token=other).status_code == 401


def test_an_expired_token_opens_nothing_to_others(bench: ApiBench) -> None:
    bench.token("short", expires_at=NOW - timedelta(hours=1))
    assert bench.ask("GET", "/api/stats").status_code == 401


def test_of_a_token_only_its_hash_is_kept(bench: ApiBench) -> None:
    token = bench.token()
    secret = token.split("_", 2)[2]
    [row] = bench.rows("SELECT * FROM tokens")
    assert not any(secret in str(value) for value in row)


def test_the_use_of_a_token_is_noted(bench: ApiBench) -> None:
    token = bench.token()
    bench.ask("GET", "/api/stats", token=token)
    [(used,)] = bench.rows("SELECT last_used_at FROM tokens")
    assert used.startswith("2026-03-02T12:00")


@pytest.mark.parametrize("host", ["evil.example.com", "localhost.evil.example.com", "127.0.0.1.nip.io", "10.0.0.7", ""])
def test_a_foreign_host_name_gets_nothing(bench: ApiBench, host: str) -> None:
    bench.token()
    for url in ("/", "/api/stats", "/v1/orders/1/fulfillments"):
        assert bench.ask("GET", url, headers={"Host": host}).status_code == 421


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8470", "127.0.0.1:8470", "[::1]:8470"])
def test_this_machine_has_several_names(bench: ApiBench, host: str) -> None:
    assert bench.ask("GET", "/api/stats", headers={"Host": host}).status_code == 200


def test_a_page_of_another_site_cannot_write(bench: ApiBench) -> None:
    bench.take(order("#1", fulfillment()))
    url = "/api/parcels/794600000017/poll"
    assert bench.ask("POST", url, headers={"Origin": "https://evil.example.com"}).status_code == 403
    assert bench.ask("POST", url, headers={"Origin": "null"}).status_code == 403
    assert bench.ask("POST", url, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert bench.ask("POST", url, headers={"Origin": "http://localhost"}).status_code == 202


def test_beyond_loopback_nothing_is_served_without_a_token(tmp_path: Path) -> None:
    bench = ApiBench(tmp_path, host="192.0.2.7")
    for url in ("/", "/api/stats", "/v1/orders/1/fulfillments"):
        refused = bench.ask("GET", url)
        assert refused.status_code == 503
        assert "tracker token add" in refused.json()["detail"]
    assert bench.ask("GET", "/healthz").status_code == 200
    assert "192.0.2.7" in (web.exposed(bench.services) or "")
    token = bench.token()
    assert web.exposed(bench.services) is None
    assert bench.ask("GET", "/api/stats").status_code == 401
    assert bench.ask("GET", "/api/stats", token=token, headers={"Host": "tracker.example.com"}).status_code == 200


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Forwarded-Host", "X-Real-IP", "Via"])
def test_through_a_proxy_nothing_is_served_without_a_token(bench: ApiBench, header: str) -> None:
    assert bench.ask("GET", "/api/stats", headers={header: "203.0.113.9"}).status_code == 503
    token = bench.token()
    assert bench.ask("GET", "/api/stats", headers={header: "203.0.113.9"}, token=token).status_code == 200


def test_a_proxys_name_is_known_by_the_settings_and_needs_a_token(tmp_path: Path) -> None:
    bench = ApiBench(tmp_path, names=["tracker.example.com"])
    name = {"Host": "Tracker.example.com:443"}
    assert bench.ask("GET", "/api/stats", headers=name).status_code == 503
    token = bench.token()
    assert bench.ask("GET", "/api/stats", headers=name, token=token).status_code == 200


def test_an_error_never_quotes_the_request(bench: ApiBench) -> None:
    refused = bench.ask("GET", "/api/fulfillments?limit=secret-value&status=ada@example.com")
    assert refused.status_code == 422
    assert {error["where"] for error in refused.json()["errors"]} == {"query.limit", "query.status.0"}
    assert "secret-value" not in refused.text
    assert "ada@" not in refused.text


def test_a_method_that_is_not_taken_says_which_are(bench: ApiBench) -> None:
    refused = bench.ask("DELETE", "/v1/orders/1/fulfillments")
    assert refused.status_code == 405
    assert refused.headers["allow"] == "GET, POST"


def test_tokens_are_made_listed_and_revoked_on_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("database: tracker.db\n")
    config = ["-c", str(tmp_path / "config.yaml")]
    runner = CliRunner()
    made = runner.invoke(cli, ["token", "add", "grafana", "--role", "read", "--expires", "90d", *config])
    token = made.stdout.strip()
    assert made.exit_code == 0
    with Database(tmp_path / "tracker.db").read() as tx:
        [listed] = tokens.listed(tx)
        assert tokens.find(tx, token, listed.created_at) == listed
        assert tokens.find(tx, token, listed.created_at + timedelta(days=90)) is None
    assert listed.role is Role.READ
    again = runner.invoke(cli, ["token", "add", "grafana", "--role", "write", *config])
    assert "revoke it first" in str(again.exception)
    shown = runner.invoke(cli, ["token", "list", *config]).stdout
    assert "grafana" in shown
    assert token.split("_", 2)[2] not in shown
    gone = runner.invoke(cli, ["token", "revoke", "grafana", *config])
    assert gone.exit_code == 0
    assert "No token is left" in gone.stderr
    with Database(tmp_path / "tracker.db").read() as tx:
        assert tokens.listed(tx) == []
