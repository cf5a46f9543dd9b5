"""Who sits at the desk: sessions in a cookie, and the token that every form carries.

Owns both. A session is a random word of ours in an HttpOnly, SameSite=Strict cookie; the token it stands for is kept in
this process's memory alone and is looked up at every request, so that a revoked one ends its sessions. A restart asks
people to log in again.
"""

import hmac
import secrets
from collections import OrderedDict
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Form, Request
from starlette.responses import Response

from tracker.models import Role
from tracker.web.problems import Problem
from tracker.web.security import LOCAL, Caller, caller_of, demanded
from tracker.web.services import Services

if TYPE_CHECKING:
    from datetime import datetime

COOKIE = "tracker_session"
#: A session ends so many wall seconds after it was begun, and when there are so many newer ones.
LASTS, MOST = 12 * 3600.0, 1000


class NeedsLogin(Exception):
    """Ends a page's request: who asks has to log in first."""


class Sessions:
    """The sessions of one process."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._key = secrets.token_bytes(32)
        self._tokens: OrderedDict[str, tuple[str, datetime]] = OrderedDict()

    async def caller(self, session: str) -> Caller | None:
        """Who has this session; whoever asks where no token is demanded."""
        if not await demanded(self._services):
            return LOCAL
        token, until = self._tokens.get(session, ("", self._services.clock.now()))
        if not token or until <= self._services.clock.now():
            self._tokens.pop(session, None)
            return None
        return await caller_of(self._services, token)

    async def begin(self, token: str) -> str | None:
        """A session for a token that is ours; None for any other."""
        if await caller_of(self._services, token) is None:
            return None
        session = secrets.token_urlsafe(32)
        clock = self._services.clock
        self._tokens[session] = (token, clock.now() + clock.wall(LASTS))
        while len(self._tokens) > MOST:
            self._tokens.popitem(last=False)
        return session

    def end(self, session: str) -> None:
        """Forget a session."""
        self._tokens.pop(session, None)

    def form_token(self, session: str) -> str:
        """What a form must carry to prove that a page of ours had it."""
        return hmac.new(self._key, session.encode(), "sha256").hexdigest()

    def proves(self, session: str, form_token: str) -> bool:
        """Whether a form carries it."""
        return hmac.compare_digest(self.form_token(session).encode(), form_token.encode())


def session_of(request: Request) -> str:
    """The session that a request names, '' where it names none."""
    return request.cookies.get(COOKIE, "")


async def reader(request: Request) -> Caller:
    """Whoever may see the pages. Raises NeedsLogin."""
    sessions: Sessions = request.app.state.sessions
    caller = await sessions.caller(session_of(request))
    if caller is None:
        raise NeedsLogin
    return caller


async def writer(
    request: Request, caller: Annotated[Caller, Depends(reader)], csrf: Annotated[str, Form()] = ""
) -> Caller:
    """Whoever may press a button, and did so on a page of ours."""
    sessions: Sessions = request.app.state.sessions
    if not sessions.proves(session_of(request), csrf):
        raise Problem(403, "this form is out of date: go back, load the page again and press the button there")
    if caller.role is not Role.WRITE:
        raise Problem(403, "your token may only read; log in with one of role write to do this")
    return caller


Reader = Annotated[Caller, Depends(reader)]
Writer = Annotated[Caller, Depends(writer)]


def keep(response: Response, request: Request, session: str) -> None:
    """Have the browser keep a session."""
    secure = request.url.scheme == "https" or request.headers.get("x-forwarded-proto") == "https"
    response.set_cookie(COOKIE, session, httponly=True, samesite="strict", secure=secure, path="/")
