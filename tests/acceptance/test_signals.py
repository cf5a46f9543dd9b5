"""The daemon's life: SIGTERM drains, SIGHUP reloads, and a bad configuration is refused without harm."""

import signal
import time
from collections.abc import Callable
from typing import Any

#: Wall seconds within which a daemon that was told to stop has stopped, its drain included.
DEADLINE = 25.0


def test_sigterm_finishes_what_is_under_way_and_leaves_no_lease(new_town: Callable[..., Any]) -> None:
    town = new_town(parcels=200, speed=60, seed=8, labels=(-72, -12))
    town.import_orders()
    town.faults(**{service: {"slow": 1.5} for service in (*town.credentials, "order_protection")})
    daemon = town.daemon()
    leased = "SELECT COUNT(*) FROM parcels WHERE lease_token IS NOT NULL"
    town.wait_until(lambda: town.count(leased) and town.service("ups")["calls"].get("track"), 20, "calls under way")
    began = time.monotonic()
    assert town.stop(daemon, DEADLINE) == 0
    assert time.monotonic() - began < DEADLINE
    assert town.count(leased) == 0
    assert town.count("SELECT COUNT(*) FROM pushes WHERE state = 'waiting' AND lease_token IS NOT NULL") == 0
    assert town.count("SELECT COALESCE(SUM(calls), 0) FROM reservations") == 0
    assert town.logged("stopped")
    assert town.count("SELECT COUNT(*) FROM parcels WHERE last_polled_at IS NOT NULL") > 0, "the calls were in vain"

    town.faults(**{service: {} for service in (*town.credentials, "order_protection")})
    daemon = town.daemon()
    town.come_to_an_end()
    town.assert_nothing_lost()
    assert town.stop(daemon) == 0


def test_sighup_takes_up_a_new_carrier_and_refuses_a_bad_configuration(new_town: Callable[..., Any]) -> None:
    town = new_town(parcels=60, speed=600, seed=10, labels=(-72, -12))
    fedex = town.config["carriers"].pop("fedex")
    town.write_config()
    town.import_orders()
    daemon = town.daemon()
    polled = "SELECT COUNT(*) FROM parcels WHERE last_polled_at IS NOT NULL AND carrier = ?"
    town.wait_until(lambda: town.count(polled, "ups"), 20, "UPS polled")

    town.config_file.write_text("carriers: {fedex: {credentials: {api_key: only-one-of-two}}}\npolling: {tick: soon}\n")
    daemon.send_signal(signal.SIGHUP)
    town.wait_until(lambda: town.logged("configuration not reloaded, the old one stays"), 20, "the refusal logged")
    (refusal,) = town.logged("configuration not reloaded, the old one stays")
    assert "polling.tick" in refusal["reason"]
    assert daemon.poll() is None
    calls = town.service("ups")["calls"]["track"]
    town.wait_until(lambda: town.service("ups")["calls"]["track"] > calls, 60, "UPS polled on under the old one")
    assert town.count(polled, "fedex") == 0

    town.config["carriers"]["fedex"] = fedex
    town.write_config()
    daemon.send_signal(signal.SIGHUP)
    town.wait_until(lambda: town.logged("configuration reloaded"), 30, "the reload logged")
    town.wait_until(lambda: town.count(polled, "fedex"), 20, "FedEx polled")
    assert daemon.poll() is None
    town.come_to_an_end()
    town.assert_nothing_lost()
    assert town.stop(daemon) == 0
