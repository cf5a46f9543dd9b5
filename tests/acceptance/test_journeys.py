"""Parcels from label to end through the whole system, undisturbed."""

import json
from collections.abc import Callable
from itertools import chain
from typing import Any

from carriers.sdk.status import ENDED

#: Whom the sandbox's carriers name as signer.
SIGNERS = ("R.ECIPIENT", "E. Mpfänger")


def ended(town: Any) -> float:
    """The share of parcels that have ended."""
    return town.count("SELECT 100 * AVG(COALESCE(status, '') IN (?, ?, ?)) FROM parcels", *ENDED) / 100


def test_hundreds_of_parcels_reach_their_end_and_nothing_is_lost(new_town: Callable[..., Any]) -> None:
    town = new_town(parcels=320, speed=12_000, seed=7, labels=(-36, 0))
    orders = town.orders()
    town.import_orders(orders)
    daemon = town.daemon()
    town.wait_until(lambda: ended(town) > 0.85, 75, "most parcels at their end")
    town.come_to_an_end()
    town.assert_nothing_lost()
    assert town.stop(daemon) == 0

    carriers = dict(town.rows("SELECT carrier, COUNT(*) FROM parcels WHERE status IS NOT NULL GROUP BY 1"))
    assert carriers.keys() == town.credentials.keys()
    assert min(carriers.values()) > 40
    statuses = {status for (status,) in town.rows("SELECT DISTINCT status FROM status_history")}
    assert {"CONFIRMED", "CARRIER_PICKED_UP", "IN_TRANSIT", "OUT_FOR_DELIVERY", "DELIVERED"} <= statuses
    assert town.count("SELECT COUNT(*) FROM events WHERE NOT mapped") == 0
    assert town.logged("heartbeat failed") == []

    told = (town.log_file.read_text() + str(town.rows("SELECT * FROM status_history"))).encode()
    written = b"".join(path.read_bytes() for path in town.folder.glob("tracker.db*")) + told
    for person in persons(orders):
        assert person.encode() not in written, f"{person} was kept"
    secrets = chain(
        [town.orders_token, "Bearer "], *(credentials.values() for credentials in town.credentials.values())
    )
    for secret in secrets:
        assert secret.encode() not in written, f"{secret} was kept"


def persons(orders: list[dict[str, object]]) -> set[str]:
    """All that tells who the customers are, as the import file has it and as JSON writes it."""
    told: set[str] = set(SIGNERS)
    for order in orders:
        address = order["address"]
        assert isinstance(address, dict)
        told |= {str(order[field]) for field in ("customerName", "customerEmail", "customerPhone")}
        told |= {address["address1"], f"{address['firstName']} {address['lastName']}"}
    return told | {json.dumps(text)[1:-1] for text in told}


def test_importing_twice_and_asking_by_hand_disturbs_nothing(new_town: Callable[..., Any]) -> None:
    town = new_town(parcels=40, speed=3_600, seed=3, labels=(-96, -48))
    town.import_orders()
    before = town.rows("SELECT * FROM fulfillment_status")
    town.import_orders()
    assert town.rows("SELECT * FROM fulfillment_status") == before

    asked = town.tracker("poll", "--json")
    assert asked.returncode == 0, asked.stderr
    answers = json.loads(asked.stdout)
    assert {answer["carrier"] for answer in answers} == town.credentials.keys()
    assert len(answers) == town.count("SELECT COUNT(*) FROM parcels")
    daemon = town.daemon()
    town.come_to_an_end()
    town.assert_nothing_lost()
    assert town.stop(daemon) == 0
