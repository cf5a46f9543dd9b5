"""Quotas as the carriers count them: never overrun, whoever restarts, and however many daemons there are."""

from collections.abc import Callable
from typing import Any

CARRIERS = ("fedex", "ups", "usps", "dhl")


def assert_within_quota(town: Any) -> None:
    """No carrier ever had to refuse a call."""
    for carrier in CARRIERS:
        counters = town.service(carrier)
        assert counters["overQuota"] == 0, (carrier, counters["accounts"])
        assert "429" not in counters["statuses"]


def most(town: Any, carrier: str, seconds: float) -> int:
    """The most calls a carrier saw in any such span."""
    windows = [window for account in town.service(carrier)["accounts"].values() for window in account["windows"]]
    return max(window["most"] for window in windows if window["seconds"] == seconds)


def test_hours_and_days_across_restarts_and_two_daemons(new_town: Callable[..., Any]) -> None:
    quotas = {
        "fedex": {"per_hour": 12, "per_day": 150},
        "ups": {"per_hour": 40, "per_day": 500, "per_second": 100},  # no pace to speak of: the hour is what counts
        "usps": {"per_hour": 8},
        "dhl": {"per_hour": 60, "per_day": 250},
    }
    town = new_town(parcels=400, speed=1_200, seed=4, labels=(-72, 0), quotas=quotas)
    for carrier in CARRIERS:
        town.config["carriers"][carrier]["batch"] = 1  # more to ask than the quotas give
    town.write_config()
    town.import_orders()
    daemons = [town.daemon(), town.daemon()]
    for round_ in range(4):
        town.wait_until(lambda started=2 + round_: len(town.logged("running")) == started, 30, "daemons that run")
        before = sum(sum(town.service(carrier)["calls"].values()) for carrier in CARRIERS)
        town.wait_until(
            lambda before=before: sum(sum(town.service(c)["calls"].values()) for c in CARRIERS) > before + 40,
            30,
            "more calls",
        )
        leaving = daemons.pop(0)
        if round_ % 2:
            town.kill(leaving)
        else:
            assert town.stop(leaving) == 0
        daemons.append(town.daemon())
    town.wait_until(lambda: len(town.logged("running")) == 6, 30, "daemons that run")
    town.wait_until(lambda: most(town, "ups", 3_600) >= 36, 30, "an hour's quota nearly used up")
    assert_within_quota(town)
    for daemon in daemons:
        assert town.stop(daemon) == 0
    assert_within_quota(town)
    assert town.logged("account paused") == []
    assert town.count("SELECT COUNT(*) FROM parcels WHERE last_polled_at IS NOT NULL") > 100


def test_calls_a_second_on_the_wall_clock_with_two_daemons(new_town: Callable[..., Any]) -> None:
    quotas = {"fedex": 4.0, "ups": 6.0, "usps": 3.0, "dhl": 0.5}
    town = new_town(
        parcels=300,
        speed=1.0,
        seed=6,
        labels=(-72, -12),
        quotas={carrier: {"per_second": rate} for carrier, rate in quotas.items()},
        # ten seconds' worth: a busy machine may hold up a single call by more than a carrier's network would
        enforced={carrier: {"per_10_seconds": 10 * rate} for carrier, rate in quotas.items()},
    )
    for carrier in CARRIERS:
        town.config["carriers"][carrier]["batch"] = 1
    town.write_config()
    town.import_orders()
    daemons = [town.daemon(), town.daemon()]
    town.wait_until(lambda: town.service("dhl")["calls"].get("track", 0) >= 7, 40, "seven calls two seconds apart")
    for daemon in daemons:
        assert town.stop(daemon) == 0
    assert_within_quota(town)
    assert most(town, "ups", 10.0) >= 30, "the pace is far below what is allowed"
