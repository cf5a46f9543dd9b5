"""Who may ask for what: bearer tokens with roles, and requests that must not get in at all.

Owns `reader` and `writer`, the dependencies that every route of the API has one of, and the Gate in front of all
routes. On loopback everything is open while there is no token; as soon as there is one, it is demanded. Anywhere
else, and behind a proxy, nothing is served until there is one.
"""

from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address
from typing import Annotated
from urllib.parse import quote, urlsplit

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from tracker.models import Role
from tracker.store import tokens
from tracker.web.problems import Problem
from tracker.web.services import Services

#: A token's use is noted so often at most.
NOTED = timedelta(hours=1)

#: What is served to everybody: whether the daemon lives tells nothing else.
OPEN_PATHS = frozenset({"/healthz", "/readyz"})

#: Parts of the site where a path stays percent-encoded: ids in it may hold an encoded slash.
RAW_PATHS = ("/v1/", "/api/")

#: What proxies add to a request that they pass on.
_PROXIED = frozenset({"forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip"})
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_ADD = "make one with `tracker token add NAME --role read|write`"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks."""

    name: str
    """The token's."""
    role: Role


#: Whoever asks on loopback while there is no token.
LOCAL = Caller("local", Role.WRITE)


async def demanded(services: Services) -> bool:
    """Whether a token is demanded: there is one."""
    return await run_in_threadpool(_any_token, services)


async def caller_of(services: Services, token: str) -> Caller | None:
    """Who presents this token; None where it is none of ours, revoked or expired."""
    now = services.clock.now()
    found = await run_in_threadpool(_find, services, token)
    if found is None:
        return None
    if found.last_used_at is None or now - found.last_used_at > NOTED:
        await services.writer.run(lambda tx: tokens.used(tx, found.prefix, now))
    return Caller(found.name, found.role)


def exposed(services: Services) -> str | None:
    """What to do where this would be reachable from elsewhere without any token, and is therefore not served; None
    where all is well."""
    host = services.settings.web.host
    if is_loopback(host) or _any_token(services):
        return None
    return f"web.host is {host}, which others can reach, and there is no token: {_ADD}, or set web.host to 127.0.0.1"


def is_loopback(host: str) -> bool:
    """Whether an address, or `localhost`, is of this machine alone."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _any_token(services: Services) -> bool:
    with services.database.read() as tx:
        return tokens.any_there(tx)


def _find(services: Services, token: str) -> tokens.Token | None:
    with services.database.read() as tx:
        return tokens.find(tx, token, services.clock.now())


_bearer = HTTPBearer(auto_error=False, scheme_name="token", description="A token of `tracker token add`.")


async def reader(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Caller:
    """Whoever may read. Ends the request with 401 where a token is demanded and there is none that counts."""
    services: Services = request.app.state.services
    if not await demanded(services):
        return LOCAL
    if credentials is None:
        refused = {"WWW-Authenticate": 'Bearer realm="tracker"'}
        raise Problem(401, f"a token is needed: send `Authorization: Bearer …`; {_ADD}", headers=refused)
    caller = await caller_of(services, credentials.credentials)
    if caller is None:
        refused = {"WWW-Authenticate": 'Bearer realm="tracker", error="invalid_token"'}
        raise Problem(401, f"the token is unknown, revoked or expired; {_ADD}", headers=refused)
    return caller


async def writer(caller: Annotated[Caller, Depends(reader)]) -> Caller:
    """Whoever may write. Ends the request with 401, or 403 where the token is for reading only."""
    if caller.role is not Role.WRITE:
        raise Problem(403, "this token may only read; this needs one of role write")
    return caller


Reader = Annotated[Caller, Depends(reader)]
Writer = Annotated[Caller, Depends(writer)]


class Gate:
    """Stands in front of all routes: refuses requests under a foreign name (a web page that had its own name point
    here), requests that another site has a browser make, and all of them where others could come in without a token.

    Leaves paths of the API percent-encoded for the router.
    """

    def __init__(self, app: ASGIApp, services: Services) -> None:
        self._app = app
        self._services = services
        self._web = services.settings.web
        self._names = {name.lower() for name in services.settings.web.names}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["path"].startswith(RAW_PATHS):
            raw: bytes | None = scope.get("raw_path")
            path = quote(scope["path"]) if raw is None else raw.partition(b"?")[0].decode("ascii", "replace")
            scope = {**scope, "path": path}
        problem = None if scope["path"] in OPEN_PATHS else await self._problem(scope)
        await (problem.response() if problem else self._app)(scope, receive, send)

    async def _problem(self, scope: Scope) -> Problem | None:
        headers = Headers(scope=scope)
        host = _name(headers.get("host", ""))
        local = is_loopback(self._web.host)
        if local and not (is_loopback(host) or host in self._names):
            return Problem(421, "this server does not know that host name; where a proxy uses it, set web.names")
        if scope["method"] not in _SAFE and _from_another_site(headers):
            return Problem(403, "a page of another site must not do this")
        others = not local or host in self._names or not _PROXIED.isdisjoint(headers.keys())
        if others and not await demanded(self._services):
            return Problem(503, f"nothing is served beyond loopback until there is a token: {_ADD}")
        return None


def _name(host: str) -> str:
    """A Host header's name, without its port."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _from_another_site(headers: Headers) -> bool:
    """Whether a browser says that a page from elsewhere makes the request."""
    if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        return True
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != headers.get("host", "")
