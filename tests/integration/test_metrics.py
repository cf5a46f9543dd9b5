"""/metrics: what it tells, to whom, how dearly; and that dashboard, alerts and docs speak of what is there."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.bench import Bench, knows_all
from tests.integration.monitored import NOW, Monitored
from tracker.meters import Meters
from tracker.models import Role
from tracker.poll import Poller

DOCS = Path(__file__).parents[2] / "docs"
ALERTS = DOCS / "monitoring" / "alerts.yaml"
DASHBOARD = DOCS / "monitoring" / "grafana-dashboard.json"


@pytest.fixture
def seen(tmp_path: Path) -> Iterator[Monitored]:
    monitored = Monitored(tmp_path)
    yield monitored
    monitored.close()


# what stands in the database


def test_parcels_are_counted_by_status_and_by_whether_their_turn_has_come(seen: Monitored) -> None:
    seen.parcels(3, hours=2)
    seen.parcels(2, minutes=5)
    seen.parcels(4, status=None, source="dhl", hours=-1)

    samples = seen.samples()

    def value(name: str, **labels: str) -> float | None:
        return samples.get((name, frozenset(labels.items())))

    assert value("tracker_parcels", status="IN_TRANSIT") == 5
    assert value("tracker_parcels", status="UNKNOWN") == 4
    assert value("tracker_parcels", status="DELIVERED") == 0
    assert (value("tracker_parcels_polled", source="ups"), value("tracker_parcels_polled", source="dhl")) == (5, 4)
    assert (value("tracker_parcels_due", source="ups"), value("tracker_parcels_due", source="dhl")) == (5, 0)
    assert value("tracker_parcels_late", source="ups") == 3
    assert value("tracker_parcels_oldest_due_seconds", source="ups") == 7200
    assert value("tracker_parcels_oldest_due_seconds", source="dhl") == 0


def test_quotas_tell_what_is_left(seen: Monitored) -> None:
    ups = next(poller for poller in seen.app.pollers if poller.name == "ups")
    with seen.database.write() as tx:
        ups._budget.reserve(tx, 2, NOW)
        ups._budget.made()
        ups._budget.made()
        ups._budget.settlement()(tx, NOW)

    samples = seen.samples()

    window = frozenset({("account", "ups"), ("window", "hour")})
    assert samples["tracker_quota_used_calls", window] == 2
    assert samples["tracker_quota_limit_calls", window] == 100
    assert samples["tracker_quota_left_calls", window] == 98
    assert samples["tracker_calls_total", frozenset({("account", "ups")})] == 2
    assert ("tracker_quota_limit_calls", frozenset({("account", "ups"), ("window", "day")})) not in samples


def test_a_paused_account_is_down_until_its_pause_is_over(seen: Monitored) -> None:
    seen.write("UPDATE accounts SET paused_until = ?, failures = 2 WHERE name = 'dhl'", NOW + timedelta(minutes=5))
    samples = seen.samples()
    up = {dict(labels)["account"]: value for (name, labels), value in samples.items() if name == "tracker_account_up"}
    assert up == {"ups": 1, "dhl": 0, "order_protection": 1}
    assert samples["tracker_account_failures_in_a_row", frozenset({("account", "dhl")})] == 2
    assert samples["tracker_accounts_off", frozenset()] == 1


def test_the_outbox_tells_depth_and_age_and_leaves_held_pushes_out_of_both(seen: Monitored) -> None:
    seen.push(made=NOW - timedelta(hours=3), due=NOW - timedelta(hours=3))
    seen.write("INSERT INTO mutes (fulfillment_id, at, by, note) VALUES (1, ?, 'me', '')", NOW)
    seen.push(made=NOW - timedelta(hours=2), due=NOW - timedelta(minutes=4))
    seen.push("dead")
    seen.push("sent")

    samples = seen.samples()

    by_state = {
        dict(labels)["state"]: value for (name, labels), value in samples.items() if name == "tracker_outbox_pushes"
    }
    assert by_state == {"waiting": 1, "held": 1, "dead": 1}
    assert samples["tracker_outbox_oldest_seconds", frozenset()] == 7200
    assert samples["tracker_outbox_due_seconds", frozenset()] == 240


def test_webhooks_tell_what_waits_and_carriers_what_they_delivered(seen: Monitored) -> None:
    seen.write(
        "INSERT INTO webhook_endpoints (name, statuses, carriers, paused_until, paused_reason, failures)"
        " VALUES ('shop', '[]', '[]', ?, 'HTTP 500', 3)",
        NOW + timedelta(minutes=1),
    )
    seen.write(
        "INSERT INTO hook_deliveries (account, identity, received_at, news, parcels, unknown)"
        " VALUES ('ups', 'x', ?, 4, 1, 0)",
        NOW - timedelta(hours=1),
    )
    samples = seen.samples()
    shop, ups = frozenset({("endpoint", "shop")}), frozenset({("account", "ups")})
    assert (samples["tracker_webhook_up", shop], samples["tracker_webhook_oldest_seconds", shop]) == (0, 0)
    assert samples["tracker_webhook_messages", shop | {("state", "waiting")}] == 0
    assert (samples["tracker_hook_deliveries", ups], samples["tracker_hook_news", ups]) == (1, 4)
    assert samples["tracker_hook_last_timestamp_seconds", ups] == NOW.timestamp() - 3600


def test_the_database_is_read_once_for_many_scrapes(seen: Monitored) -> None:
    assert seen.value("tracker_parcels_polled", source="ups") is None
    seen.parcels(1)
    assert seen.value("tracker_parcels_polled", source="ups") is None, "read again at once"


# what the process counts


class Station(Bench):
    """A bench whose poller counts."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.meters = Meters()

    def counting(self) -> Poller:
        poller = self.poller()
        poller._meters = self.meters.of(poller.name)
        return poller

    def value(self, name: str, **labels: str) -> float | None:
        return self.meters.registry.get_sample_value(name, {"account": "plain", **labels})


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    station = Station(tmp_path)
    yield station
    station.close()


def test_polls_are_counted_by_what_came_of_them(station: Station) -> None:
    knows_all(station, ("NUM001", "NUM002"))
    station.order("NUM003", "NUM004")
    station.told["NUM004"] = "invalid"
    poller = station.counting()
    station.poll(poller)
    station.due()
    station.clock.forward(hours=1)
    station.poll(poller)

    def polls(outcome: str) -> float | None:
        return station.value("tracker_polls_total", outcome=outcome)

    assert (polls("news"), polls("same"), polls("not_found"), polls("invalid_number")) == (2, 2, 2, 2)


def test_lateness_is_counted_from_the_turn(station: Station) -> None:
    knows_all(station, ("NUM001",))
    station.clock.forward(minutes=30)
    station.poll(station.counting())

    assert station.value("tracker_poll_lateness_seconds_sum") == 1800
    assert station.value("tracker_poll_lateness_seconds_bucket", le="900.0") == 0
    assert station.value("tracker_poll_lateness_seconds_bucket", le="3600.0") == 1


def test_news_is_timed_from_the_second_answer_on_and_by_its_worth(station: Station) -> None:
    station.order("NUM001")
    station.tell("NUM001", (-3, "OC"), (-2, "PU"))
    poller = station.counting()
    station.poll(poller)
    assert station.value("tracker_news_lag_seconds_count", worth="other") == 0, "history counts as late news"
    station.tell("NUM001", (-3, "OC"), (-2, "PU"), (1, "IT"), (2, "OD"), (3, "??"))
    station.clock.forward(hours=4)
    station.due()
    station.poll(poller)

    assert station.value("tracker_news_lag_seconds_sum", worth="valuable") == 2 * 3600
    assert station.value("tracker_news_lag_seconds_sum", worth="other") == (3 + 1) * 3600
    assert station.value("tracker_events_total", mapped="yes") == 4
    assert station.value("tracker_events_total", mapped="no") == 1


def test_a_failure_that_pauses_the_account_is_counted_once(station: Station) -> None:
    from carriers.sdk.errors import AuthFailed

    knows_all(station)
    station.answer = lambda call: AuthFailed("HTTP 401")
    station.poll(station.counting())
    assert station.value("tracker_account_failures_total", error="AuthFailed") == 1


def test_meters_of_two_apps_are_apart(tmp_path: Path) -> None:
    first, second = Meters(), Meters()
    first.of("ups").polled("news")
    assert second.registry.get_sample_value("tracker_polls_total", {"account": "ups", "outcome": "news"}) is None


def test_heartbeats_tell_their_runs_and_ages(seen: Monitored) -> None:
    beats = seen.app.heartbeats
    beats.add("relay", 1.0)
    beats.began("relay")
    seen.pass_time(2)
    beats.succeeded("relay")
    beats.began("relay")
    beats.failed("relay", "ValueError")

    samples = seen.samples()

    job = frozenset({("job", "relay")})
    assert samples["tracker_heartbeat_interval_seconds", job] == 1
    assert samples["tracker_heartbeat_last_success_timestamp_seconds", job] == NOW.timestamp() + 2
    runs = {
        dict(labels)["outcome"]: value
        for (name, labels), value in samples.items()
        if name == "tracker_heartbeat_runs_total"
    }
    assert runs == {"done": 1, "failed": 1, "hung": 0}


# who may read it


def test_metrics_want_a_token_that_may_read_as_soon_as_there_is_one(seen: Monitored) -> None:
    assert seen.ask("/metrics").status_code == 200
    token = seen.token(Role.READ)
    assert seen.ask("/metrics").status_code == 401
    assert seen.ask("/metrics", token).status_code == 200


def test_the_answer_is_prometheus_own_form_and_holds_no_secret(seen: Monitored) -> None:
    answer = seen.ask("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert answer.text.endswith("\n")
    assert not [secret for secret in seen.app.secrets() if secret in answer.text]


# docs, dashboard, alerts


def told(seen: Monitored) -> dict[str, set[str]]:
    """The metrics there are, each with the names of its series."""
    seen.push()
    seen.parcels(1)
    seen.app.heartbeats.add("relay", 1.0)
    text = seen.ask("/metrics").text
    kinds = dict(line.split()[2:4] for line in text.splitlines() if line.startswith("# TYPE tracker_"))
    series = {"counter": ("",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}
    return {
        name: {name + suffix for suffix in series[kind]}
        for name, kind in kinds.items()
        if not name.endswith("_created")
    }


def test_every_metric_is_documented_and_no_other(seen: Monitored) -> None:
    documented = re.findall(r"^\| `(tracker_\w+)` \|", (DOCS / "monitoring.md").read_text(), re.MULTILINE)

    assert len(documented) == len(set(documented))
    assert sorted(documented) == sorted(told(seen))


def used(expressions: list[str]) -> set[str]:
    return {name for text in expressions for name in re.findall(r"\b((?:tracker|process)_[a-z_]+)\b", text)}


def dashboard_expressions() -> list[str]:
    dashboard: dict[str, Any] = json.loads(DASHBOARD.read_bytes())
    variables = [variable["query"] for variable in dashboard["templating"]["list"]]
    return [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())] + variables


def alert_rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def test_dashboard_and_alerts_use_metrics_that_are_there(seen: Monitored) -> None:
    there = {series for family in told(seen).values() for series in family} | {"process_resident_memory_bytes"}

    in_dashboard, in_alerts = used(dashboard_expressions()), used([rule["expr"] for rule in alert_rules()])

    assert len(in_dashboard) > 20
    assert len(in_alerts) > 12
    assert in_dashboard - there == set()
    assert in_alerts - there == set()


def test_label_values_in_dashboard_and_alerts_are_ones_that_occur() -> None:
    text = " ".join([*dashboard_expressions(), *(rule["expr"] for rule in alert_rules())])
    occurring = {
        "state": {"waiting", "held", "dead"},
        "window": {"hour", "day"},
        "worth": {"valuable", "other"},
        "outcome": {"done", "failed", "hung", "unreadable"},
    }
    for label, values in occurring.items():
        assert set(re.findall(rf'\b{label}!?="(\w+)"', text)) <= values


def test_every_alert_says_what_it_is_and_what_mends_it() -> None:
    rules = alert_rules()
    assert len({rule["alert"] for rule in rules}) == len(rules)
    for rule in rules:
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["mend"]
        assert rule["expr"].count("(") == rule["expr"].count(")")


def test_the_dashboards_panels_do_not_overlap() -> None:
    panels = json.loads(DASHBOARD.read_bytes())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells = [
        (panel["gridPos"]["x"] + x, panel["gridPos"]["y"] + y)
        for panel in panels
        for x in range(panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
