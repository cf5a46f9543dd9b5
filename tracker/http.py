"""Sending a carrier's Call: retry, auth, pacing, transport, in that order outside-in.

One of the two modules that import httpx. Every request that reaches the carrier takes its turn from the
account's budget, token calls included where the carrier counts them.
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Protocol

import httpx
import stamina

from carriers.sdk.auth import placed
from carriers.sdk.errors import CarrierError, Unavailable
from carriers.sdk.exchange import Call, Reply
from tracker.auth import TokenAuth

#: A carrier that asks for more patience than this (wall seconds) is left alone, not retried within the call.
RETRY_WITHIN = 5.0
ATTEMPTS = 3
#: A pool larger than this makes httpx slower, not faster.
MOST_CONNECTIONS = 8

stamina.instrumentation.set_on_retry_hooks([])  # a pause is logged once where it begins, not each try


class Turns(Protocol):
    """What the transport needs of a budget."""

    async def turn(self) -> None:
        """Wait until a request may go out; raises where none may."""

    def made(self, seconds: float) -> None:
        """A request was answered, or failed, after so many wall seconds."""


class PacedTransport(httpx.AsyncBaseTransport):
    """Takes a turn for each request before it goes out."""

    def __init__(self, inner: httpx.AsyncBaseTransport, turns: Turns, *, free: str | None = None) -> None:
        """`free`: a URL whose requests the carrier does not count (its token endpoint)."""
        self._inner = inner
        self._turns = turns
        self._free = free

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """httpx's hook."""
        if self._free is not None and str(request.url) == self._free:
            return await self._inner.handle_async_request(request)
        await self._turns.turn()
        began = time.perf_counter()
        try:
            return await self._inner.handle_async_request(request)
        finally:
            self._turns.made(time.perf_counter() - began)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


class CarrierClient:
    """One account's way to its carrier."""

    def __init__(
        self,
        base_url: str,
        *,
        auth: httpx.Auth,
        turns: Turns | None = None,
        timeout: float,
        connections: int,
        speed: float = 1.0,
        free_url: str | None = None,
        secrets: Mapping[str, str] | None = None,
        user_agent: str = "fulfillment-tracker",
    ) -> None:
        """`timeout` in wall seconds for the whole call; `speed` of the clock the carrier's seconds are in.

        `turns` None: nobody counts the requests. `free_url`: one that is not counted. `secrets`: what calls have
        placeholders for.
        """
        self.auth = auth
        self._base_url = base_url
        self._timeout = timeout
        self._speed = speed
        self._secrets = secrets or {}
        limits = httpx.Limits(max_connections=min(connections, MOST_CONNECTIONS), keepalive_expiry=30)
        transport: httpx.AsyncBaseTransport = httpx.AsyncHTTPTransport(limits=limits)
        if turns is not None:
            transport = PacedTransport(transport, turns, free=free_url)
        self._client = httpx.AsyncClient(
            auth=auth,
            timeout=httpx.Timeout(timeout, pool=None),
            transport=transport,
            headers={"User-Agent": user_agent, "Accept": "application/json"},
            follow_redirects=False,
            event_hooks={"response": [self._note_date]},
        )
        self.date = ""
        """What the other side's clock said in its last answer, as HTTP writes it; '' where it said nothing."""

    async def _note_date(self, response: httpx.Response) -> None:
        self.date = response.headers.get("date", "")

    async def send(self, call: Call) -> Reply:
        """Make the call and return the carrier's answer, whatever its status.

        Retries network trouble and 5xx a few times. Raises Unavailable when no answer came, AuthFailed or
        another AccountError when no token could be had, and what the budget raises when no call is left: if that
        was for a retry, from the failure before it.
        """
        reply, failure = await self._try(call)
        if failure is not None:
            try:
                async for attempt in stamina.retry_context(
                    on=self._worth_retrying, attempts=ATTEMPTS, wait_initial=0.2, wait_max=RETRY_WITHIN, timeout=None
                ):
                    with attempt:
                        if attempt.num > 1:
                            reply, failure = await self._try(call)
                        if failure is not None:
                            raise failure
            except Unavailable:
                pass  # the last attempt's outcome speaks for itself
            except CarrierError:
                raise
            except Exception as no_turn:
                raise no_turn from failure
        if reply is None:
            raise failure or Unavailable("no answer")
        return reply

    async def send_once(self, call: Call) -> Reply:
        """Make the call and return the answer, whatever its status; never a second time.

        Raises Unavailable when no answer came, AuthFailed or another AccountError when no token could be had.
        """
        return await self._once(call)

    async def authenticate(self) -> None:
        """Fetch a token where the auth has one, and nothing else. Raises CarrierError where none is had."""
        if isinstance(self.auth, TokenAuth):
            try:
                await self.auth.renew(self._client)
            except httpx.HTTPError as error:
                raise Unavailable(f"no answer: {type(error).__name__}") from None

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def _worth_retrying(self, error: Exception) -> bool | float:
        if not isinstance(error, Unavailable):
            return False
        if error.retry_after is None:
            return True
        seconds = error.retry_after / self._speed
        return seconds if seconds <= RETRY_WITHIN else False

    async def _try(self, call: Call) -> tuple[Reply | None, CarrierError | None]:
        """One attempt: the answer if there is one, and why another attempt may be worth it."""
        try:
            reply = await self._once(call)
        except Unavailable as error:
            return None, error
        return reply, reply.failure() if reply.status >= 500 else None

    async def _once(self, call: Call) -> Reply:
        call = placed(call, self._secrets)
        try:
            async with asyncio.timeout(self._timeout):
                response = await self._client.request(
                    call.method,
                    self._base_url + call.path,
                    params=dict(call.query) or None,
                    headers=dict(call.headers),
                    content=call.body,
                )
        except TimeoutError:
            raise Unavailable(f"no answer within {self._timeout:g} s") from None
        except httpx.HTTPError as error:  # the text of it may hold the URL; the kind is enough
            raise Unavailable(f"no answer: {type(error).__name__}") from None
        return Reply(call.numbers, response.status_code, response.content, dict(response.headers))
