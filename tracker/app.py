"""The composition root: Settings -> wired objects. Nothing here is global, nothing else wires."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, NamedTuple

import structlog
from sqlalchemy import Connection

from carriers.sdk.auth import NoAuth, OAuth2, credentials_model
from carriers.sdk.carrier import Aggregator
from carriers.sdk.errors import CarrierError
from tracker import intake, notify, orders
from tracker.auth import TokenAuth, carrier_auth, order_protection_auth, secrets_in_calls, token_url
from tracker.budget import Budget
from tracker.clock import Clock
from tracker.config import AccountPlan, Settings, Webhook, load, plan_accounts
from tracker.forwarding import Forwarding
from tracker.heartbeats import Heartbeats
from tracker.hooks import Account, Hooks
from tracker.http import CarrierClient
from tracker.meters import Meters
from tracker.notify import CONNECTIONS, Notifier
from tracker.orders import OrderProtection, Verdict
from tracker.poll import Answered, Poller
from tracker.pricing import LearntHazards
from tracker.progress import Rules
from tracker.reconcile import Reconciler
from tracker.relay import NAME, Relay
from tracker.routing import Routes
from tracker.store import accounts, messages, queries, remembered
from tracker.store.database import Database
from tracker.store.presence import Presence, recover
from tracker.store.writer import Writer
from tracker.web.services import Services

log = structlog.get_logger(__name__)

#: An order that nobody has: asking for it tries a token and changes nothing.
_NO_ORDER = "tracker-check"
#: Wall seconds that a dead process's last push gets to arrive before it is repeated.
GRACE = 2.0


class Probed(NamedTuple):
    """What came of trying an account's credentials."""

    name: str
    tried: bool
    error: str | None
    """Why they are of no use; None where they are good, or were not tried."""
    ahead: timedelta | None
    """By how much this machine's clock is ahead of the other side's, where that told the time."""


class App:
    """Everything that runs, made of one Settings."""

    def __init__(self, settings: Settings, database: Database, clock: Clock) -> None:
        """Opens no connection; the database must have been migrated."""
        self.settings = settings
        self.database = database
        self.clock = clock
        self.accounts, self.off = plan_accounts(settings)
        self.routes = Routes(settings.routes, {plan.name: plan.code for plan in self.accounts})
        self.hazards = LearntHazards()
        self.writer = Writer(database)
        self.meters = Meters()
        self.heartbeats = Heartbeats(clock)
        self._presence = Presence(database.path)
        self._clients: dict[str, CarrierClient] = {}
        self._others: list[CarrierClient] = []
        self.pollers = [self._poller(plan) for plan in self.accounts]
        self.notifiers = [self._notifier(webhook) for webhook in settings.webhooks if not webhook.paused]
        self.hooks = Hooks(
            {plan.name: self._hooked(plan, poller) for plan, poller in zip(self.accounts, self.pollers, strict=True)},
            self.writer,
            clock,
            settings.polling.aggregate,
            self.meters,
        )
        self.relay: Relay | None = None
        self.reconciler: Reconciler | None = None
        self.order_protection: OrderProtection | None = None
        self.forwarding: Forwarding | None = None
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
            self.reconciler = Reconciler(
                self.order_protection, self.relay, self.writer, clock, settings.orders.reconcile
            )
            self.forwarding = Forwarding(self.order_protection, self.writer, clock, settings, self.routes)

    async def open(self) -> None:
        """Make the accounts known to the database, take up what dead processes left under lease, and try
        refused credentials again."""
        if self._presence.alone():
            now, grace = self.clock.now(), self.clock.wall(GRACE)
            taken = await self.writer.run(lambda tx: recover(tx, now, grace))
            if taken:
                log.info("took up the work of a process that died", leases=taken)
        self._presence.share()
        await self.writer.run(lambda tx: self.hazards.refresh(tx, self.clock.now()))
        for poller in self.pollers:
            await self.writer.run(poller.open)
        endpoints = [messages.Endpoint(one.name, one.wanted, one.carriers) for one in self.settings.webhooks]
        await self.writer.run(lambda tx: messages.sync(tx, endpoints, self.clock.now()))
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
        return intake.reroute_all(tx, self.routes, self.clock.now())

    async def probe(self) -> list[Probed]:
        """Try the credentials of each account and of Order Protection: fetch a token where there is one to be had."""
        return [await self._probe(name, client) for name, client in self._clients.items()]

    async def _probe(self, name: str, client: CarrierClient) -> Probed:
        error = None
        tried = True
        try:
            if isinstance(client.auth, TokenAuth):
                await client.authenticate()
            elif name == NAME and self.order_protection is not None:
                answer = (await self.order_protection.held(_NO_ORDER)).answer
                error = None if answer.verdict is Verdict.DONE else answer.message
            else:
                tried = False  # a key is only tried by a real call, which would cost quota
        except CarrierError as failure:
            error = f"{type(failure).__name__}: {failure}"
        return Probed(name, tried, error, _ahead(client.date))

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
            meters=self.meters,
            heartbeats=self.heartbeats,
            hooks=self.hooks,
        )

    def secrets(self) -> list[str]:
        """Every secret in the settings, in clear: for the redaction of logs only."""
        orders = self.settings.orders
        found = [orders.token.get_secret_value(), orders.client_secret.get_secret_value()]
        found += [plan.credentials.secret(field) for plan in self.accounts for field in plan.carrier.info.auth.fields]
        found += [plan.hook_secret.get_secret_value() for plan in self.accounts]
        found += [webhook.secret.get_secret_value() for webhook in self.settings.webhooks]
        return [secret for secret in found if secret]

    async def close(self) -> None:
        """Close connections, then the database."""
        await self.hooks.settle()
        for client in (*self._clients.values(), *self._others):
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
                hooked=polling.hooked,
            ),
            quota=plan.quota,
            hazards=self.hazards,
            meters=self.meters,
            roll_up_rule=polling.aggregate,
        )

    def _hooked(self, plan: AccountPlan, poller: Poller) -> Account:
        """The account as its carrier delivers to it. What confirms deliveries to the carrier is no poll: it costs no
        call of the quota."""
        client = None
        if plan.carrier.hook is not None and plan.carrier.hook.handshake is not None:
            info = plan.carrier.info
            client = CarrierClient(
                plan.base_url,
                auth=carrier_auth(info.auth, plan.credentials, plan.base_url, self.clock.now, info.name),
                timeout=plan.timeout.total_seconds(),
                connections=1,
                speed=self.clock.speed,
                secrets=secrets_in_calls(info.auth, plan.credentials),
            )
            self._others.append(client)
        return Account(plan.carrier, poller.rules, plan.hook_secret.get_secret_value(), client)

    def _notifier(self, webhook: Webhook) -> Notifier:
        client = _endpoint(webhook, self.clock)
        self._others.append(client)
        return Notifier(webhook.name, webhook.key, client, self.writer, self.clock, self.meters)

    async def _ask(self, source: str, parcels: Sequence[queries.ParcelAsked]) -> list[dict[str, Any]]:
        """Ask about parcels of one source, by its accounts in turn until all are answered."""
        reason = f"no account for {source} is on"
        told: dict[int, Answered] = {}
        for poller in self.pollers:
            left = [parcel.id for parcel in parcels if parcel.id not in told]
            if source in poller.sources and left:
                tally = await poller.run(asyncio.Event(), only=left, by_hand=True)
                told |= {answer.id: answer for answer in tally.answers}
                reason = tally.failure or "not asked: the quota is used up, or somebody is asking right now"
        return [
            _told(answer) if (answer := told.get(parcel.id)) else _answer(parcel.carrier, parcel.number, error=reason)
            for parcel in parcels
        ]

    async def _poll_due(self) -> list[dict[str, Any]]:
        answers = []
        for poller in self.pollers:
            tally = await poller.run(asyncio.Event(), by_hand=True)
            answers += [_told(answer) for answer in tally.answers]
            if tally.failure:
                answers.append(_answer(poller.carrier.info.code, "", error=tally.failure))
        return answers


def build(config: Path, environ: Mapping[str, str] = os.environ) -> App:
    """Read the configuration, bring the database to its newest form, wire everything.

    Raises BadConfig, DatabaseUnusable, or ValueError for an unusable simulated clock.
    """
    settings = load(config, environ)
    database = Database(settings.database)
    database.migrate()
    return App(settings, database, Clock.from_environment(environ))


def _ahead(date: str) -> timedelta | None:
    """This machine's clock against the date of an answer that has just come."""
    try:
        return Clock().now() - parsedate_to_datetime(date)
    except (TypeError, ValueError):  # none, unreadable, or without a zone
        return None


def _told(answer: Answered) -> dict[str, Any]:
    return _answer(answer.carrier, answer.number, answer.status, answer.changed, answer.error)


def _answer(
    carrier: str, number: str, status: str | None = None, changed: bool = False, error: str | None = None
) -> dict[str, Any]:
    return {"trackingNumber": number, "carrier": carrier, "status": status, "changed": changed, "error": error}


def _endpoint(webhook: Webhook, clock: Clock) -> CarrierClient:
    """The way to a webhook."""
    return CarrierClient(
        webhook.url,
        auth=carrier_auth(NoAuth(), credentials_model(NoAuth())(), webhook.url, clock.now, webhook.name),
        timeout=webhook.timeout.total_seconds(),
        connections=CONNECTIONS,
        speed=clock.speed,
    )


async def tell(webhook: Webhook) -> orders.Answer:
    """Send a webhook a message that says nothing; what it answers."""
    clock = Clock()
    client = _endpoint(webhook, clock)
    try:
        return await notify.test(webhook.name, webhook.key, client, clock)
    finally:
        await client.close()
