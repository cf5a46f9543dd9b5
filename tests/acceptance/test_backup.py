"""A backup put back under the real daemon: no quota is overrun for it, and everything comes true again."""

from collections.abc import Callable
from typing import Any

CARRIERS = ("fedex", "ups")


def calls(town: Any) -> int:
    return sum(sum(town.service(carrier)["calls"].values()) for carrier in CARRIERS)


def test_nothing_is_lost_and_no_quota_overrun(new_town: Callable[..., Any]) -> None:
    quotas = {"fedex": {"per_hour": 30, "per_second": 100}, "ups": {"per_hour": 60, "per_second": 100}}
    town = new_town(parcels=120, speed=600, seed=21, labels=(-72, -12), carriers=CARRIERS, quotas=quotas)
    for carrier in CARRIERS:
        town.config["carriers"][carrier]["batch"] = 1  # more to ask than the quotas give
    town.write_config()
    town.import_orders()
    daemon = town.daemon()
    town.wait_until(lambda: calls(town) > 20, 30, "some calls")
    assert town.tracker("backup", "monday.db").returncode == 0
    before = calls(town)
    town.wait_until(lambda: calls(town) > before + 30, 30, "calls that the backup knows nothing of")
    refused = town.tracker("restore", "monday.db")
    assert (refused.returncode, "stop it first" in refused.stderr) == (1, True)
    town.kill(daemon)

    restored = town.tracker("restore", "monday.db")
    assert (restored.returncode, restored.stderr) == (0, "")
    at_restore = calls(town)
    daemon = town.daemon()
    town.wait_until(lambda: calls(town) > at_restore + 40, 60, "calls after the restore")
    town.come_to_an_end(120)
    assert town.stop(daemon) == 0

    for carrier in CARRIERS:
        counters = town.service(carrier)
        assert (counters["overQuota"], "429" in counters["statuses"]) == (0, False), counters["accounts"]
    assert town.logged("account paused") == []
    assert not town.refused_pushes()
    told = {entry["sourceFulfillmentId"]: entry for entry in town.ask("stats")["orderProtection"]["fulfillments"]}
    wrong = [
        (item, told.get(item["sourceFulfillmentId"]))
        for item in town.ask("truth")["fulfillments"]
        if item["status"] is not None
        and told[item["sourceFulfillmentId"]]["history"][-1]["status"] not in (item["status"], "DELAYED")
    ]
    assert wrong == []
