"""Credentials onto requests: bearer tokens fetched once and shared, API keys, HTTP Basic.

One of the two modules that import httpx. Tokens live in memory only; no secret is ever logged.
"""

import asyncio
import base64
from collections.abc import AsyncGenerator, Callable
from datetime import datetime, timedelta

import httpx

from carriers.sdk.carrier import ApiKey, Basic, Credentials, OAuth2
from carriers.sdk.carrier import Auth as Scheme
from carriers.sdk.errors import AuthFailed, BadPayload, RateLimited, Unavailable
from carriers.sdk.exchange import Reply
from carriers.sdk.reading import record, text
from tracker.config import OrderProtection as OrderProtectionSettings

#: A token is renewed this long before it ends, so that none dies on its way.
MARGIN = timedelta(seconds=60)
#: Seconds that a token lives where its answer tells nothing, or nothing likely.
DEFAULT_LIFETIME, LONGEST_LIFETIME = 3600.0, 366 * 86400.0


class BearerAuth(httpx.Auth):
    """Bearer token by some grant: however many requests wait, one token call; on 401 once a new token."""

    requires_response_body = True

    def __init__(self, token_request: Callable[[], httpx.Request], now: Callable[[], datetime], who: str) -> None:
        """`token_request` builds the grant's request; `who` names the other side in errors."""
        self._token_request = token_request
        self._now = now
        self._who = who
        self._token = ""
        self._expires_at: datetime | None = None
        self._lock = asyncio.Lock()

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """httpx's hook: yields the token request when one is needed, then the request itself."""
        for attempt in (1, 2):
            async with self._lock:
                if not self._token or self._expires_at is None or self._now() >= self._expires_at:
                    answer = yield self._token_request()
                    await answer.aread()
                    self._keep(answer)
                used = self._token
            request.headers["Authorization"] = f"Bearer {used}"
            response = yield request
            if response.status_code != httpx.codes.UNAUTHORIZED or attempt == 2:
                return
            if self._token == used:  # another request may have renewed it meanwhile
                self._token = ""

    async def renew(self, client: httpx.AsyncClient) -> None:
        """Fetch a token now. Raises CarrierError where it is refused."""
        async with self._lock:
            answer = await client.send(self._token_request(), auth=None)
            self._keep(answer)

    def _keep(self, answer: httpx.Response) -> None:
        reply = Reply((), answer.status_code, answer.content, dict(answer.headers))
        failure = reply.failure(f"{self._who} refused a token")
        if failure is not None:
            if isinstance(failure, RateLimited | Unavailable):
                raise failure
            raise AuthFailed(failure.message)
        try:
            token, lifetime = _granted(reply)
        except BadPayload as error:  # no number of those asked about is at fault
            raise Unavailable(f"{self._who} answered the token request: {error}") from None
        self._token = token
        # a very short life still has to last for one call
        self._expires_at = self._now() + max(timedelta(seconds=lifetime) - MARGIN, timedelta(seconds=lifetime / 2))


def _granted(reply: Reply) -> tuple[str, float]:
    """The token of an answer and its life in seconds. Raises BadPayload where there is none."""
    body = record(reply.json())
    token = text(body, "access_token")
    if not token:
        raise BadPayload("no access_token")
    try:
        lifetime = float(body.get("expires_in") or DEFAULT_LIFETIME)
    except (TypeError, ValueError):
        lifetime = DEFAULT_LIFETIME
    return token, lifetime if 0 < lifetime <= LONGEST_LIFETIME else DEFAULT_LIFETIME


class HeaderAuth(httpx.Auth):
    """A fixed header on every request."""

    def __init__(self, header: str, value: str) -> None:
        self._header = header
        self._value = value

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """httpx's hook."""
        request.headers[self._header] = self._value
        yield request


def carrier_auth(
    scheme: Scheme, credentials: Credentials, base_url: str, now: Callable[[], datetime], who: str
) -> httpx.Auth:
    """The httpx side of a carrier's auth scheme."""
    match scheme:
        case ApiKey():
            return HeaderAuth(scheme.header, credentials.secret(scheme.key_field))
        case Basic():
            return HeaderAuth(
                "Authorization",
                _basic(credentials.secret(scheme.user_field), credentials.secret(scheme.password_field)),
            )
        case OAuth2():
            return BearerAuth(lambda: _grant(scheme, credentials, base_url), now, who)


def order_protection_auth(settings: OrderProtectionSettings, now: Callable[[], datetime]) -> httpx.Auth:
    """The httpx side of Order Protection's two ways in: a static token, or client credentials."""
    if not settings.client_id:
        return HeaderAuth("Authorization", f"Bearer {settings.token.get_secret_value()}")

    def grant() -> httpx.Request:
        return httpx.Request(
            "POST",
            f"{settings.url}/v1/oauth/token",
            json={
                "grant_type": "client_credentials",
                "client_id": settings.client_id,
                "client_secret": settings.client_secret.get_secret_value(),
                "store_id": settings.store_id,
                "scopes": ["read_orders", "write_orders"],
            },
        )

    return BearerAuth(grant, now, "Order Protection")


def token_url(scheme: OAuth2, base_url: str) -> str:
    """Where tokens are asked for."""
    return scheme.token_path if scheme.token_path.startswith("http") else base_url + scheme.token_path


def _grant(scheme: OAuth2, credentials: Credentials, base_url: str) -> httpx.Request:
    url = token_url(scheme, base_url)
    client, secret = credentials.secret(scheme.id_field), credentials.secret(scheme.secret_field)
    grant = {"grant_type": "client_credentials"}
    match scheme.sends:
        case "basic":
            return httpx.Request("POST", url, data=grant, headers={"Authorization": _basic(client, secret)})
        case "json":
            return httpx.Request("POST", url, json={**grant, "client_id": client, "client_secret": secret})
        case "form":
            return httpx.Request("POST", url, data={**grant, "client_id": client, "client_secret": secret})


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
