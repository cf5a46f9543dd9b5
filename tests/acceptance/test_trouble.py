"""Carriers and Order Protection in trouble: accounts pause, no status lies, nothing is lost afterwards."""

from collections.abc import Callable
from typing import Any

#: What is wrong with each carrier, and a word of the reason its pause is shown with.
TROUBLE = {
    "ups": ("down", "503"),
    "fedex": ("html", "HTML page"),
    "usps": ("not_found_all", "did not know"),
    "dhl": ("rate_limited", "429"),
}


def paused(town: Any) -> dict[str, str]:
    """Why accounts are paused now."""
    return dict(town.rows("SELECT name, paused_reason FROM accounts WHERE paused_until > ?", town.now()))


def all_polled(town: Any) -> bool:
    return bool(town.count("SELECT COUNT(*) FROM parcels WHERE last_polled_at IS NULL") == 0)


def carrier_calls(town: Any) -> dict[str, Any]:
    return {carrier: town.service(carrier)["calls"] for carrier in TROUBLE}


def test_carriers_in_trouble_are_left_alone_and_lose_nothing(new_town: Callable[..., Any]) -> None:
    town = new_town(parcels=160, speed=2_400, seed=5, labels=(-72, -12))
    town.import_orders()
    daemon = town.daemon()
    town.wait_until(lambda: all_polled(town), 30, "every parcel polled")
    truly_failed = sum(item["status"] == "FAILURE" for item in town.ask("truth")["fulfillments"])

    town.faults(**{carrier: {fault: True} for carrier, (fault, _) in TROUBLE.items()})
    town.wait_until(lambda: paused(town).keys() == TROUBLE.keys(), 40, "all accounts paused")
    for carrier, reason in paused(town).items():
        assert TROUBLE[carrier][1] in reason
    shown = " ".join(town.tracker("check").stdout.split())
    for _, reason in TROUBLE.values():
        assert reason in shown
    calls = carrier_calls(town)
    town.tracker("list")
    assert carrier_calls(town) == calls, "a paused account was asked"

    town.faults(**{carrier: {} for carrier in TROUBLE})
    town.wait_until(lambda: not paused(town), 45, "the pauses over")
    town.wait_until(lambda: len(town.logged("account answers again")) == len(TROUBLE), 30, "all accounts answering")
    failed = town.count("SELECT COUNT(*) FROM status_history WHERE status = 'FAILURE'")
    assert failed <= truly_failed + sum(item["status"] == "FAILURE" for item in town.ask("truth")["fulfillments"])
    town.come_to_an_end()
    town.assert_nothing_lost()
    assert len(town.logged("account paused")) == len(TROUBLE), "a pause is logged once, where it begins"
    assert town.logged("heartbeat failed") == []
    assert town.stop(daemon) == 0


def test_order_protection_down_keeps_everything_in_order_until_it_is_back(new_town: Callable[..., Any]) -> None:
    town = new_town(parcels=80, speed=7_200, seed=9, labels=(-36, -12))
    town.import_orders()
    town.faults(order_protection={"down": True})
    daemon = town.daemon()
    town.wait_until(lambda: "order_protection" in paused(town), 30, "Order Protection paused")
    overtaken = "SELECT COUNT(*) FROM pushes WHERE state = 'superseded'"
    town.wait_until(lambda: town.count(overtaken) > 8, 60, "news overtaking news")
    assert town.ask("stats")["orderProtection"]["pushes"] == 0
    assert town.count("SELECT COUNT(*) FROM pushes WHERE state = 'dead'") == 0
    assert town.count("SELECT MAX(attempts) FROM pushes") <= 3, "the receiver's failure was held against a push"

    town.faults(order_protection={"error_rate": 0.3})
    town.wait_until(lambda: town.ask("stats")["orderProtection"]["pushes"] > 40, 60, "pushes again")
    town.faults(order_protection={})
    town.come_to_an_end()
    town.assert_nothing_lost()
    assert town.stop(daemon) == 0


def test_tokens_that_expire_cost_one_call_each_and_no_pause(new_town: Callable[..., Any]) -> None:
    town = new_town(parcels=120, speed=300, seed=2, labels=(-72, -12))
    town.config["orders"] = {
        "url": town.config["orders"]["url"],
        "client_id": "shop-client-b51f",
        "client_secret": "shop-secret-0a44e1",
        "store_id": "store-1",
    }
    town.write_config()
    town.import_orders()
    with_tokens = ("fedex", "ups", "usps", "order_protection")

    def token_calls() -> dict[str, int]:
        return {name: town.service(name)["calls"].get("token", 0) for name in with_tokens}

    daemon = town.daemon()
    town.wait_until(lambda: all_polled(town), 30, "every parcel polled")
    town.wait_until(lambda: not town.count("SELECT COUNT(*) FROM pending_pushes"), 30, "everything pushed")
    assert token_calls() == dict.fromkeys(with_tokens, 1)

    town.faults(**{name: {"expire_tokens": True} for name in with_tokens})
    town.come_to_an_end()
    after = token_calls()
    assert {name: after[name] for name in ("fedex", "ups", "usps")} == {"fedex": 2, "ups": 2, "usps": 2}
    assert after["order_protection"] <= 2
    town.assert_nothing_lost()
    assert town.count("SELECT SUM(failures) FROM accounts") == 0
    assert town.logged("account paused") == []
    assert "shop-secret-0a44e1" not in town.log_file.read_text()
    assert town.stop(daemon) == 0
