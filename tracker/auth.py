"""Credentials onto requests: tokens fetched once and shared, API keys, HTTP Basic.

One of the two modules that import httpx. Tokens live in memory only; no secret is ever logged.
"""

import asyncio
import base64
from collections.abc import AsyncGenerator, Callable
from datetime import datetime, timedelta
from typing import Protocol

import httpx

from carriers.sdk.auth import ApiKey, Basic, Credentials, InRequest, Login, NoAuth, OAuth2, placed
from carriers.sdk.auth import Auth as Scheme
from carriers.sdk.errors import AuthFailed, BadPayload, RateLimited, Unavailable
from carriers.sdk.exchange import Call, Reply
from carriers.sdk.reading import record, text
from tracker.config import OrderProtection as OrderProtectionSettings

#: A token is renewed this long before it ends, so that none dies on its way.
MARGIN = timedelta(seconds=60)
#: Seconds that a token lives where its answer tells nothing, or nothing likely.
DEFAULT_LIFETIME, LONGEST_LIFETIME = 3600.0, 366 * 86400.0


class TokenAuth(httpx.Auth):
    """A token by some grant: however many requests wait, one token call; refused once, once a new token."""

    def __init__(self, grant: "Grant", now: Callable[[], datetime], who: str) -> None:
        """`who` names the other side in errors."""
        self._grant = grant
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
                    answer = yield self._grant.request()
                    await answer.aread()
                    self._keep(answer)
                used = self._token
            response = yield self._grant.authorized(request, used)
            await response.aread()
            if not self._grant.is_refusal(response) or attempt == 2:
                return
            if self._token == used:  # another request may have renewed it meanwhile
                self._token = ""

    async def renew(self, client: httpx.AsyncClient) -> None:
        """Fetch a token now. Raises CarrierError where it is refused."""
        async with self._lock:
            answer = await client.send(self._grant.request(), auth=None)
            self._keep(answer)

    def _keep(self, answer: httpx.Response) -> None:
        reply = Reply((), answer.status_code, answer.content, dict(answer.headers))
        failure = reply.failure(f"{self._who} refused a token")
        if failure is not None:
            refused = self._grant.is_refusal(answer)
            if isinstance(failure, RateLimited | Unavailable) and not refused:
                raise failure
            raise AuthFailed(failure.message)
        try:
            token, lifetime = self._grant.granted(reply)
        except BadPayload as error:  # no number of those asked about is at fault
            raise Unavailable(f"{self._who} answered the token request: {error}") from None
        self._token = token
        # a very short life still has to last for one call
        self._expires_at = self._now() + max(timedelta(seconds=lifetime) - MARGIN, timedelta(seconds=lifetime / 2))


class Grant(Protocol):
    """One way to a token, and where the token goes."""

    def request(self) -> httpx.Request:
        """What asks for a token."""

    def granted(self, reply: Reply) -> tuple[str, float]:
        """The token of an answer and its life in seconds. Raises BadPayload where there is none."""

    def authorized(self, request: httpx.Request, token: str) -> httpx.Request:
        """The request with the token in it."""

    def is_refusal(self, response: httpx.Response) -> bool:
        """Whether the answer says that the token is no longer good."""


class BearerGrant:
    """A token of OAuth's kind, sent in a header."""

    def __init__(self, request: Callable[[], httpx.Request], header: str = "Authorization") -> None:
        """`request` builds the grant's request."""
        self.request = request
        self._header = header

    def granted(self, reply: Reply) -> tuple[str, float]:
        """`access_token` and `expires_in`."""
        body = record(reply.json())
        token = text(body, "access_token")
        if not token:
            raise BadPayload("no access_token")
        try:
            lifetime = float(body.get("expires_in") or DEFAULT_LIFETIME)
        except (TypeError, ValueError):
            lifetime = DEFAULT_LIFETIME
        return token, lifetime if 0 < lifetime <= LONGEST_LIFETIME else DEFAULT_LIFETIME

    def authorized(self, request: httpx.Request, token: str) -> httpx.Request:
        """`Authorization: Bearer …`, or the bare token in a header of the carrier's own."""
        request.headers[self._header] = f"Bearer {token}" if self._header == "Authorization" else token
        return request

    def is_refusal(self, response: httpx.Response) -> bool:
        """HTTP 401."""
        return response.status_code == httpx.codes.UNAUTHORIZED


class LoginGrant:
    """A token from a carrier's own log-in call, put where a request says `{{token}}`."""

    def __init__(self, login: Login, credentials: Credentials, base_url: str) -> None:
        self._login = login
        call = placed(login.call, {field: credentials.secret(field) for field in login.fields})
        self._call, self._url = call, base_url + call.path

    def request(self) -> httpx.Request:
        """The log-in call."""
        return httpx.Request(
            self._call.method,
            self._url,
            params=dict(self._call.query) or None,
            headers=dict(self._call.headers),
            content=self._call.body,
        )

    def granted(self, reply: Reply) -> tuple[str, float]:
        """The first field of that name, however deep, with the life the carrier promises."""
        body = reply.xml() if reply.body.lstrip().startswith(b"<") else reply.json()
        token = _first(body, self._login.token)
        if not token:
            raise BadPayload(f"no {self._login.token}")
        return token, self._login.hours * 3600

    def authorized(self, request: httpx.Request, token: str) -> httpx.Request:
        """A request of the same content, with the token in it."""
        asked = Call(
            (),
            request.method,
            str(request.url),
            headers={name: value for name, value in request.headers.items() if name != "content-length"},
            body=request.content,
        )
        filled = placed(asked, {"token": token})
        url = filled.path.replace("%7B%7Btoken%7D%7D", token)
        sent = httpx.Request(filled.method, url, headers=dict(filled.headers), content=filled.body)
        sent.extensions = request.extensions
        return sent

    def is_refusal(self, response: httpx.Response) -> bool:
        """HTTP 401, or the carrier's own word for it."""
        refused = self._login.refused
        return response.status_code == httpx.codes.UNAUTHORIZED or bool(refused and refused in response.text)


def _first(value: object, name: str) -> str:
    """The first text under that name in nested objects and arrays."""
    if isinstance(value, dict):
        if found := text(value, name):
            return found
        value = list(value.values())
    return next((found for item in value if (found := _first(item, name))), "") if isinstance(value, list) else ""


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
            password = credentials.secret(scheme.password_field) if scheme.password_field else ""
            return HeaderAuth("Authorization", _basic(credentials.secret(scheme.user_field), password))
        case OAuth2():
            return TokenAuth(BearerGrant(lambda: _grant(scheme, credentials, base_url), scheme.header), now, who)
        case Login():
            return TokenAuth(LoginGrant(scheme, credentials, base_url), now, who)
        case InRequest() | NoAuth():
            return httpx.Auth()  # the call itself carries what there is


def secrets_in_calls(scheme: Scheme, credentials: Credentials) -> dict[str, str]:
    """What a carrier's calls have placeholders for."""
    match scheme:
        case InRequest():
            fields = scheme.fields
        case OAuth2():
            fields = scheme.in_request
        case _:
            fields = ()
    return {field: credentials.secret(field) for field in fields}


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

    return TokenAuth(BearerGrant(grant), now, "Order Protection")


def token_url(scheme: OAuth2, base_url: str) -> str:
    """Where tokens are asked for."""
    return scheme.token_path if scheme.token_path.startswith("http") else base_url + scheme.token_path


def _grant(scheme: OAuth2, credentials: Credentials, base_url: str) -> httpx.Request:
    url = token_url(scheme, base_url)
    client, secret = credentials.secret(scheme.id_field), credentials.secret(scheme.secret_field)
    if scheme.refresh_field:
        grant = {"grant_type": "refresh_token", "refresh_token": credentials.secret(scheme.refresh_field)}
    elif scheme.user_field:
        user, password = credentials.secret(scheme.user_field), credentials.secret(scheme.password_field)
        grant = {"grant_type": "password", "username": user, "password": password}
    else:
        grant = {"grant_type": "client_credentials"}
    grant |= {name: word for name, word in (("scope", scheme.scope), ("audience", scheme.audience)) if word}
    match scheme.sends:
        case "basic":
            return httpx.Request("POST", url, data=grant, headers={"Authorization": _basic(client, secret)})
        case "json":
            return httpx.Request("POST", url, json={**grant, "client_id": client, "client_secret": secret})
        case "form":
            return httpx.Request("POST", url, data={**grant, "client_id": client, "client_secret": secret})


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
