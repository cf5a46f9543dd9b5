"""What stands before every endpoint of a service: faults, tokens, quotas, and the counting of it all.

A desk belongs to one service. It knows no wire format; the service says how a refusal looks.
"""

import asyncio
import base64
import binascii
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Protocol

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from tracker.sandbox.faults import Faults
from tracker.sandbox.quotas import Account, Limit

Refuse = Callable[[int, float | None], Response]
"""A service's own answer for 401, 429 (with the seconds to wait), 500 and 503."""
Answer = Callable[[Request], Awaitable[Response]]

JITTER = 0.05
"""Seconds of the wall's time by which a call may reach the sandbox late, when the clock runs fast."""


class SandboxClock(Protocol):
    """The clock the world lives on."""

    @property
    def speed(self) -> float:
        """Its seconds in a second of the wall's."""

    def now(self) -> datetime:
        """The present, aware."""


def refused_credential(text: str) -> bool:
    """Whether the sandbox refuses this credential: missing, or made to be wrong."""
    return not text or text.startswith("wrong")


def bearer(request: Request) -> str:
    """The bearer token of a request, or ''."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def basic(request: Request) -> tuple[str, str]:
    """User and password of HTTP Basic; empty where there is none."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return user, password


@dataclass(slots=True)
class _Token:
    account: str
    scope: str
    expires: datetime


@dataclass
class Desk:
    """The door of one service."""

    clock: SandboxClock
    refuse: Refuse
    limits: tuple[Limit, ...] = ()
    counts_tokens: bool = False
    """Whether token calls use up the same quota."""
    seed: int = 0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    calls: Counter[str] = field(default_factory=Counter)
    """Calls by endpoint."""
    statuses: Counter[int] = field(default_factory=Counter)
    """Answers by HTTP status."""
    numbers: int = 0
    """Tracking numbers asked about."""
    accounts: dict[str, Account] = field(default_factory=dict)

    frozen_at: datetime | None = None
    """From then on the service shows nothing new, though its clock goes on."""

    def __post_init__(self) -> None:
        """Start with no faults and no tokens."""
        self._faults = Faults()
        self._tokens: dict[str, _Token] = {}
        self._random = Random(self.seed)  # noqa: S311 - chance, not secrecy

    @property
    def faults(self) -> Faults:
        """What is wrong with the service now."""
        return self._faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        if faults.expire_tokens:
            self._tokens.clear()
        self._faults = faults

    def issue(self, account: str, seconds: float, *, scope: str = "", prefix: str = "") -> str:
        """A new token of that account, valid for `seconds` of the sandbox's clock."""
        now = self.clock.now()
        self._tokens = {token: held for token, held in self._tokens.items() if held.expires > now}
        token = f"{prefix}{self._random.getrandbits(128):032x}"
        self._tokens[token] = _Token(account, scope, now + timedelta(seconds=seconds))
        return token

    def holder(self, token: str) -> str | None:
        """The account a valid token belongs to, or None."""
        held = self._tokens.get(token)
        return held.account if held is not None and held.expires > self.clock.now() else None

    def scope(self, token: str) -> str:
        """The scopes of an issued token."""
        held = self._tokens.get(token)
        return held.scope if held is not None else ""

    async def serve(
        self, request: Request, endpoint: str, account: str | None, answer: Answer, *, token_call: bool = False
    ) -> Response:
        """`answer` to the request, or what stands in its way. `account` None = not authenticated."""
        self.calls[endpoint] += 1
        response = await self._obstacle(account, token_call) or await answer(request)
        if self._faults.truncated:
            body = bytes(response.body)
            response = Response(body[: len(body) // 2], response.status_code, media_type=response.media_type)
        self.statuses[response.status_code] += 1
        return response

    async def _obstacle(self, account: str | None, token_call: bool) -> Response | None:
        faults = self._faults
        if faults.slow:
            await self.sleep(faults.slow)
        if faults.down:
            return self.refuse(503, None)
        if faults.error_rate and self._random.random() < faults.error_rate:
            return self.refuse(500, None)
        if faults.html:
            return HTMLResponse("<!DOCTYPE html><html><body><h1>We will be back soon</h1></body></html>")
        if faults.rate_limited:
            return self.refuse(429, 60.0)
        if account is None:
            return self.refuse(401, None)
        use = self.accounts.get(account) or self.accounts.setdefault(account, Account(self.limits, self._leeway()))
        if token_call:
            use.token_calls += 1
        else:
            use.calls += 1
        if not token_call or self.counts_tokens:
            wait = use.take(self.clock.now().timestamp())
            if wait > 0:
                return self.refuse(429, wait)
        return None

    def _leeway(self) -> float:
        return JITTER * self.clock.speed if self.clock.speed > 1 else 0.0

    def stats(self) -> dict[str, object]:
        """Counters, for `/_sandbox/stats`."""
        return {
            "calls": dict(self.calls),
            "numbers": self.numbers,
            "statuses": {str(status): count for status, count in sorted(self.statuses.items())},
            "overQuota": sum(account.over_quota for account in self.accounts.values()),
            "accounts": {name: account.stats() for name, account in self.accounts.items()},
        }
