"""Logging in with a token, logging out, and the choice between light and dark."""

from typing import Annotated
from urllib.parse import quote, urlsplit

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.responses import Response

from tracker.web.pages import dressing
from tracker.web.pages.session import COOKIE, Sessions, keep, session_of
from tracker.web.problems import Problem
from tracker.web.security import demanded
from tracker.web.services import Services


def login_url(request: Request) -> str:
    """Where to log in and come back from."""
    target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return f"/login?next={quote(target if request.method == 'GET' else '/', safe='')}"


def router(services: Services) -> APIRouter:
    """`/login`, `/logout` and `/theme`."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/login", response_class=HTMLResponse)
    async def login_page(request: Request, next: str = "/") -> Response:
        if not await demanded(services):
            return RedirectResponse(_ours(next), 303)
        return dressing.page(request, "login.html", None, next=_ours(next), refused=False)

    @routes.post("/login", response_class=HTMLResponse)
    async def login(
        request: Request,
        token: Annotated[str, Form()] = "",
        next: Annotated[str, Form()] = "/",
        csrf: Annotated[str, Form()] = "",
    ) -> Response:
        sessions: Sessions = request.app.state.sessions
        if not sessions.proves(session_of(request), csrf):
            raise Problem(403, "this form is out of date: go back, load the page again and log in there")
        session = await sessions.begin(token.strip())
        if session is None:
            return dressing.page(request, "login.html", None, 401, next=_ours(next), refused=True)
        sessions.end(session_of(request))
        response = RedirectResponse(_ours(next), 303)
        keep(response, request, session)
        return response

    @routes.post("/logout")
    async def logout(request: Request, csrf: Annotated[str, Form()] = "") -> Response:
        sessions: Sessions = request.app.state.sessions
        if not sessions.proves(session_of(request), csrf):
            raise Problem(403, "this form is out of date: go back and load the page again")
        sessions.end(session_of(request))
        response = RedirectResponse("/", 303)
        response.delete_cookie(COOKIE, path="/")
        return response

    @routes.post("/theme")
    async def theme(to: Annotated[str, Form()] = "auto", back: Annotated[str, Form()] = "/") -> Response:
        response = RedirectResponse(_ours(back), 303)
        chosen = to if to in dressing.THEMES else "auto"
        response.set_cookie(dressing.THEME, chosen, max_age=31536000, samesite="strict", path="/")
        return response

    return routes


def _ours(target: str) -> str:
    """A place to go on to, if it is on this site; else its first page."""
    parts = urlsplit(target)
    ours = not parts.scheme and not parts.netloc and target.startswith("/") and not target.startswith(("//", "/\\"))
    return target if ours and target.isprintable() else "/"
