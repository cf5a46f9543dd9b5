"""What this process counts of its own work, for `/metrics`.

Owns the meters and their names; docs/monitoring.md says what each is for. They begin at nothing with the process, as
Prometheus expects. What must survive a restart is in the database and is read from there. Knows no parcel and no
carrier.
"""

from prometheus_client import CollectorRegistry, Counter, Histogram

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0

#: Upper bounds in seconds. A turn is late by minutes where calls are scarce, and by days where they do not suffice.
LATENESS = (1, 10, _MINUTE, 5 * _MINUTE, 15 * _MINUTE, _HOUR, 2 * _HOUR, 4 * _HOUR, 8 * _HOUR, _DAY, 3 * _DAY)
#: Carriers themselves are minutes to hours behind their scans.
LAG = (5 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE, *(hours * _HOUR for hours in (1, 2, 3, 4, 6, 8, 12, 24, 48, 96)))


class Meters:
    """The meters of one process, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._polls = self._counter("polls", "Parcels asked about, by what came of it.", "account", "outcome")
        self._lateness = self._histogram(
            "poll_lateness_seconds", "How long after its turn a parcel was asked about.", LATENESS, "account"
        )
        self._lag = self._histogram(
            "news_lag_seconds",
            "From an event to its being seen here, for parcels asked about before.",
            LAG,
            "account",
            "worth",
        )
        self._events = self._counter("events", "Events that were new, by whether a table knew their code.", *_EVENTS)
        self._failures = self._counter("account_failures", "Calls that paused an account.", "account", "error")
        self._pushes = self._counter("pushes", "Attempts to push a status, by what came of them.", "outcome")
        for outcome in ("sent", "postponed", "dead"):
            self.pushed(outcome, 0)
        self._hooks = self._counter("hooks", "Deliveries of carriers, by what became of them.", "account", "outcome")
        self._webhooks = self._counter(
            "webhooks", "Attempts to tell an endpoint, by what came of them.", "endpoint", "outcome"
        )

    def of(self, account: str) -> "AccountMeters":
        """The meters of one account, which are there from now on."""
        return AccountMeters(self._polls, self._lateness, self._lag, self._events, self._failures, account)

    def pushed(self, outcome: str, count: int) -> None:
        """Pushes were attempted."""
        self._pushes.labels(outcome).inc(count)

    def hooked(self, account: str, outcome: str) -> None:
        """A carrier delivered something."""
        self._hooks.labels(account, outcome).inc()

    def told(self, endpoint: str, outcome: str, count: int) -> None:
        """An endpoint was to be told of status changes."""
        self._webhooks.labels(endpoint, outcome).inc(count)

    def _counter(self, name: str, about: str, *labels: str) -> Counter:
        return Counter(f"tracker_{name}", about, labels, registry=self.registry)

    def _histogram(self, name: str, about: str, bounds: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(f"tracker_{name}", about, labels, registry=self.registry, buckets=bounds)


_EVENTS = ("account", "mapped")
_WORTH = {True: "valuable", False: "other"}
_MAPPED = {True: "yes", False: "no"}


class AccountMeters:
    """What one account's polls come to. Any thread may count."""

    def __init__(
        self,
        polls: Counter,
        lateness: Histogram,
        lag: Histogram,
        events: Counter,
        failures: Counter,
        account: str,
    ) -> None:
        self._polls = polls
        self._lateness = lateness.labels(account)
        self._lags = {valuable: lag.labels(account, worth) for valuable, worth in _WORTH.items()}
        self._events = {mapped: events.labels(account, word) for mapped, word in _MAPPED.items()}
        self._failures = failures
        self._account = account

    def polled(self, outcome: str) -> None:
        """A parcel was asked about."""
        self._polls.labels(self._account, outcome).inc()

    def late(self, seconds: float) -> None:
        """A parcel is asked about so long after its turn."""
        self._lateness.observe(max(0.0, seconds))

    def event(self, *, mapped: bool) -> None:
        """An event was new."""
        self._events[mapped].inc()

    def news(self, lag_seconds: float, *, valuable: bool) -> None:
        """It was one of a parcel that was asked about before, and had happened so long ago."""
        self._lags[valuable].observe(max(0.0, lag_seconds))

    def failed(self, error: str) -> None:
        """The account failed as a whole."""
        self._failures.labels(self._account, error).inc()
