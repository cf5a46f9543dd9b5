"""The composition root: Settings -> wired objects. Nothing here is global, nothing else wires."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import Connection

from carriers.sdk.auth import OAuth2
from carriers.sdk.carrier import Aggregator
from carriers.sdk.errors import CarrierError
from tracker import intake
from tracker.auth import TokenAuth, carrier_auth, order_protection_auth, secrets_in_calls, token_url
from tracker.budget import Budget
from tracker.clock import Clock
from tracker.config import AccountPlan, Settings, load, plan_accounts
from tracker.http import CarrierClient
from tracker.orders import OrderProtection
from tracker.poll import Answered, Poller
from tracker.progress import Rules
from tracker.relay import Relay
from tracker.routing import Routes
from tracker.store import accounts, queries, remembered
from tracker.store.database import Database
from tracker.store.presence import Presence, recover
from tracker.store.writer import Writer
from tracker.web.services import Services

log = structlog.get_logger(__name__)

#: Wall seconds that a dead process's last push gets to arrive before it is repeated.
GRACE = 2.0


class App:
    """Everything that runs, made of one Settings."""

    def __init__(self, settings: Settings, database: Database, clock: Clock) -> None:
        """Opens no connection; the database must have been migrated."""
        self.settings = settings
        self.database = database
        self.clock = clock
        self.accounts, self.off = plan_accounts(settings)
        self.routes = Routes(settings.routes, {plan.name: plan.code for plan in self.accounts})
        self.writer = Writer(database)
        self._presence = Presence(database.path)
        self._clients: dict[str, CarrierClient] = {}
        self.pollers = [self._poller(plan) for plan in self.accounts]
        self.relay: Relay | None = None
        self.order_protection: OrderProtection | None = None
        if settings.orders.configured:
            receiver = CarrierClient(
                settings.orders.url,
                auth=order_protection_auth(settings.orders, clock.now),
                timeout=settings.orders.timeout.total_seconds(),
                connections=settings.orders.connections,
                speed=clock.speed,
            )
            self._clients["order_protection"] = receiver
            self.order_protection = OrderProtection(receiver)
            self.relay = Relay(self.order_protection, self.writer, clock, connections=settings.orders.connections)

    async def open(self) -> None:
        """Make the accounts known to the database, take up what dead processes left under lease, and try
        refused credentials again."""
        if self._presence.alone():
            now, grace = self.clock.now(), self.clock.wall(GRACE)
            taken = await self.writer.run(lambda tx: recover(tx, now, grace))
            if taken:
                log.info("took up the work of a process that died", leases=taken)
        self._presence.share()
        for poller in self.pollers:
            await self.writer.run(poller.open)
        await self.writer.run(accounts.forgive_refusals)

    async def poll(self, refs: Sequence[str]) -> list[dict[str, Any]]:
        """Ask now, out of turn but within the quota, about the parcels these references mean; about all that
        is due where there are none. One item for each parcel: trackingNumber, carrier, status, changed, error.
        """
        await self.open()
        if not refs:
            return await self._poll_due()
        with self.database.read() as tx:
            wanted = queries.parcels_of(tx, refs)
        answers: list[dict[str, Any]] = []
        for source, parcels in wanted.items():
            answers += await self._ask(source, parcels)
        return answers

    def reroute(self, tx: Connection) -> int:
        """Send every parcel where the rules and accounts of this configuration want it; how many have other sources
        now. Nothing to do where the last run had the same."""
        settled = repr((self.settings.routes, sorted((plan.name, plan.code) for plan in self.accounts)))
        if remembered.value(tx, "routes") == settled:
            return 0
        remembered.keep(tx, "routes", settled)
        return intake.reroute_all(tx, self.routes)

    async def probe(self) -> list[tuple[str, str | None]]:
        """Fetch one token for each account and for Order Protection: (name, error or None)."""
        return [(name, await _probe(client)) for name, client in self._clients.items()]

    def services(self) -> Services:
        """What the web side works with."""
        return Services(
            self.database,
            self.writer,
            self.clock,
            self.settings,
            self.routes,
            tuple(self.accounts),
            tuple(self.off),
            self.order_protection,
        )

    def secrets(self) -> list[str]:
        """Every secret in the settings, in clear: for the redaction of logs only."""
        orders = self.settings.orders
        found = [orders.token.get_secret_value(), orders.client_secret.get_secret_value()]
        found += [plan.credentials.secret(field) for plan in self.accounts for field in plan.carrier.info.auth.fields]
        return [secret for secret in found if secret]

    async def close(self) -> None:
        """Close connections, then the database."""
        for client in self._clients.values():
            await client.close()
        self.writer.close()
        self._presence.leave()
        self.database.close()

    def _poller(self, plan: AccountPlan) -> Poller:
        info = plan.carrier.info
        budget = Budget(plan.name, info.code, plan.quota, self.clock, self.writer)
        free_url = None
        if isinstance(info.auth, OAuth2) and not plan.quota.counts_tokens:
            free_url = token_url(info.auth, plan.base_url)
        client = CarrierClient(
            plan.base_url,
            auth=carrier_auth(info.auth, plan.credentials, plan.base_url, self.clock.now, info.name),
            turns=budget,
            timeout=plan.timeout.total_seconds(),
            connections=plan.connections,
            speed=self.clock.speed,
            free_url=free_url,
            secrets=secrets_in_calls(info.auth, plan.credentials),
        )
        self._clients[plan.name] = client
        polling = self.settings.polling
        return Poller(
            plan.carrier,
            client,
            budget,
            self.writer,
            self.clock,
            batch=plan.batch,
            connections=plan.connections,
            rules=Rules(
                polling,
                polling.reuse_margin,
                self.settings.meanings(info.code),
                source=info.code,
                aggregator=isinstance(plan.carrier, Aggregator),
                routes=self.routes,
                elsewhere=polling.elsewhere,
                fall_back=polling.fall_back,
            ),
            roll_up_rule=polling.aggregate,
        )

    async def _ask(self, source: str, parcels: Sequence[queries.ParcelAsked]) -> list[dict[str, Any]]:
        """Ask about parcels of one source, by its accounts in turn until all are answered."""
        reason = f"no account for {source} is on"
        told: dict[str, Answered] = {}
        for poller in self.pollers:
            left = [parcel.id for parcel in parcels if parcel.number not in told]
            if source in poller.sources and left:
                tally = await poller.run(asyncio.Event(), only=left, by_hand=True)
                told |= {answer.number: answer for answer in tally.answers}
                reason = tally.failure or "not asked: the quota is used up, or somebody is asking right now"
        return [
            _answer(parcel.carrier, parcel.number, answer.status, answer.changed, answer.error)
            if (answer := told.get(parcel.number))
            else _answer(parcel.carrier, parcel.number, error=reason)
            for parcel in parcels
        ]

    async def _poll_due(self) -> list[dict[str, Any]]:
        answers = []
        for poller in self.pollers:
            tally = await poller.run(asyncio.Event(), by_hand=True)
            carrier = poller.carrier.info.code
            answers += [_answer(carrier, a.number, a.status, a.changed, a.error) for a in tally.answers]
            if tally.failure:
                answers.append(_answer(carrier, "", error=tally.failure))
        return answers


def build(config: Path, environ: Mapping[str, str] = os.environ) -> App:
    """Read the configuration, bring the database to its newest form, wire everything.

    Raises BadConfig, DatabaseUnusable, or ValueError for an unusable simulated clock.
    """
    settings = load(config, environ)
    database = Database(settings.database)
    database.migrate()
    return App(settings, database, Clock.from_environment(environ))


async def _probe(client: CarrierClient) -> str | None:
    if not isinstance(client.auth, TokenAuth):
        return None  # a key is only tried by a real call, which would cost quota
    try:
        await client.authenticate()
    except CarrierError as error:
        return f"{type(error).__name__}: {error}"
    return None


def _answer(
    carrier: str, number: str, status: str | None = None, changed: bool = False, error: str | None = None
) -> dict[str, Any]:
    return {"trackingNumber": number, "carrier": carrier, "status": status, "changed": changed, "error": error}
