"""Several accounts of several carriers on one database, with the routes between them."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson

from carriers.sdk import Aggregator, Call, Codes, Reply, TrackingNumber
from carriers.sdk.codes import Meaning
from tests.integration.bench import Line, Plain, Station
from tracker import intake
from tracker.cadence import Cadence
from tracker.poll import Poller, Tally
from tracker.progress import Rules
from tracker.routing import Route, Routes


def plain(code: str) -> Plain:
    """Plain under another code."""
    carrier = Plain()
    carrier.info = replace(Plain.info, code=code, name=code.title())
    return carrier


class Gatherer(Plain, Aggregator):
    """An aggregator: answers as Plain does, in codes of its own, and follows only what it was told to follow."""

    info = replace(Plain.info, code="gatherer", name="Gatherer")
    codes = Codes(CONFIRMED="created", IN_TRANSIT="moving", DELIVERED="done", RETURNING="back", INFORMATIONAL="NOTE")

    def call_for(self, numbers: Mapping[TrackingNumber, str]) -> Call:
        return Call.post_json(list(numbers), "/ask", dict(numbers))

    def enrol(self, reply: Reply, numbers: Mapping[TrackingNumber, str]) -> Iterable[Call]:
        strange = [number for number, told in orjson.loads(reply.body).items() if told is None]
        return [Call.post_json([TrackingNumber(number)], "/follow", number) for number in strange]


class Network(Station):
    """Accounts by name with their lines, and a poller for each."""

    def __init__(
        self,
        folder: Path,
        accounts: Iterable[str],
        rules: Iterable[Mapping[str, Any]] = (),
        *,
        mappings: Mapping[str, Mapping[str, Meaning]] | None = None,
        **options: Mapping[str, Any],
    ) -> None:
        """`options`: of the pollers, by account, `/` written as `_`."""
        super().__init__(folder)
        self.lines = {name: Line(_carrier(name)) for name in accounts}
        self._mappings = mappings or {}
        self._options = options
        self.start(rules)

    def start(self, rules: Iterable[Mapping[str, Any]]) -> None:
        """What a process has that begins with these rules."""
        carriers = {name: line.carrier.info.code for name, line in self.lines.items()}
        self.routes = Routes([Route(**rule) for rule in rules], carriers)
        self.pollers = {name: self._poller(name, line) for name, line in self.lines.items()}

    def _poller(self, name: str, line: Line) -> Poller:
        code = line.carrier.info.code
        rules = Rules(
            Cadence(jitter=0),
            timedelta(days=30),
            self._mappings.get(code, {}),
            source=code,
            aggregator=isinstance(line.carrier, Aggregator),
            routes=self.routes,
        )
        return self.poller_of(name, line, rules, **self._options.get(name.replace("/", "_"), {}))

    def beat(self, *names: str) -> dict[str, Tally]:
        """One heartbeat of these accounts, in this order; of all where none is named."""
        return {name: asyncio.run(self.pollers[name].run(asyncio.Event())) for name in names or self.pollers}

    def asked(self) -> dict[str, list[str]]:
        """The numbers that each account was asked about since the last look; of those that were asked."""
        told: dict[str, list[str]] = {
            name: [str(number) for call in line.calls if call.path != "/follow" for number in call.numbers]
            for name, line in self.lines.items()
        }
        for line in self.lines.values():
            line.calls.clear()
        return {name: numbers for name, numbers in told.items() if numbers}

    def order(self, *numbers: str, **fields: Any) -> None:
        """Import an order for each number."""
        known = {line.carrier.info.code: line.carrier.info for line in self.lines.values()}
        self.import_orders(numbers, known=known, routes=self.routes, **fields)

    def reassign(self, names: Mapping[str, str]) -> int:
        """Look again whose parcels are whose, now that companies of these names are known: name -> carrier's code."""
        infos = [line.carrier.info for line in self.lines.values()]
        known = {
            info.code: replace(info, names=tuple(name for name, code in names.items() if code == info.code))
            for info in infos
        }
        with self.database.write() as tx:
            return intake.reassign_unknown(tx, self.clock.now(), known, routes=self.routes)

    def reroute(self) -> int:
        with self.database.write() as tx:
            return intake.reroute_all(tx, self.routes, self.clock.now())


def _carrier(account: str) -> Plain:
    code = account.partition("/")[0]
    return Gatherer() if code == "gatherer" else plain(code)
