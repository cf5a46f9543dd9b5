"""An outage under a quota too slow for retries: the account pauses, and asks no more."""

import asyncio
import socket
from datetime import timedelta
from pathlib import Path

from carriers.sdk import Quota
from carriers.sdk.registry import carrier, known_infos
from tracker import intake
from tracker.auth import HeaderAuth
from tracker.budget import Budget
from tracker.cadence import Cadence
from tracker.clock import Clock
from tracker.http import CarrierClient
from tracker.poll import Poller, Tally
from tracker.progress import Rules
from tracker.store import accounts
from tracker.store.database import Database
from tracker.store.writer import Writer
from tracker.timeline import RollUp

LINES = b"""sourceOrderId,sourceFulfillmentId,trackingNumber,trackingCompany
#1,F-1,00340434161094000017,DHL
"""


def test_an_outage_pauses_the_account_though_no_retry_has_a_turn(tmp_path: Path) -> None:
    database, clock = Database(tmp_path / "tracker.db"), Clock()
    database.migrate()
    with database.write() as tx:
        intake.register(tx, intake.read_file("shipped.csv", LINES), clock.now(), known_infos())

    async def poll(url: str) -> Tally:
        writer = Writer(database)
        budget = Budget("dhl", "dhl", Quota(per_second=0.2), clock, writer)
        client = CarrierClient(url, auth=HeaderAuth("DHL-API-Key", "k"), turns=budget, timeout=5, connections=1)
        poller = Poller(
            carrier("dhl"),
            client,
            budget,
            writer,
            clock,
            batch=1,
            connections=1,
            rules=Rules(Cadence(), timedelta(days=30), {}),
            roll_up_rule=RollUp.ATTENTION,
        )
        await writer.run(poller.open)
        try:
            return await poller.run(asyncio.Event())
        finally:
            await client.close()
            writer.close()

    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound and not listening: refused
        tally = asyncio.run(poll(f"http://127.0.0.1:{nobody.getsockname()[1]}"))
    assert tally.failure is not None
    assert "Unavailable" in tally.failure
    with database.read() as tx:
        state = accounts.state(tx, "dhl")
        assert state is not None
        assert (state.failures, state.paused_until is not None) == (1, True)
        assert tx.exec_driver_sql("SELECT COUNT(*) FROM parcels WHERE lease_token IS NOT NULL").scalar() == 0
    database.close()
