"""kill -9 at any moment loses nothing, and the end is the same."""

import time
from collections.abc import Callable
from random import Random
from typing import Any

KILLS = 25
LEASED = """SELECT (SELECT COUNT(*) FROM parcels WHERE lease_token IS NOT NULL)
                 + (SELECT COUNT(*) FROM pushes WHERE state = 'waiting' AND lease_token IS NOT NULL)"""


def test_killed_again_and_again_it_ends_the_same(new_town: Callable[..., Any]) -> None:
    town = new_town(parcels=200, speed=3_600, seed=11, labels=(-48, 0))
    town.import_orders()
    random = Random(5)  # noqa: S311 - moments to be repeated
    caught_at_work = 0
    for life in range(1, KILLS + 1):
        daemon = town.daemon()
        town.wait_until(lambda life=life: len(town.logged("running")) == life, 30, "a daemon that runs")
        time.sleep(random.uniform(0.05, 0.8))  # no event tells the moment of the kill: that is its point
        assert daemon.poll() is None, "the daemon ended by itself"
        town.kill(daemon)
        caught_at_work += town.count(LEASED) > 0
    assert caught_at_work > KILLS // 5, "nearly all kills came when there was nothing to interrupt"

    daemon = town.daemon()
    town.come_to_an_end()
    town.assert_nothing_lost()
    assert town.stop(daemon) == 0
    assert town.count("SELECT COUNT(*) FROM status_history") > 400
    assert town.rows("PRAGMA integrity_check") == [("ok",)]
    assert town.count(LEASED) == 0
    assert town.logged("heartbeat failed") == []
