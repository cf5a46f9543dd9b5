"""How a page is dressed: its templates, its headers, its static files.

Owns the policy that nothing is loaded from elsewhere and nothing inline runs, and the look of errors. Everything that
comes from the database is escaped by the templates.
"""

from datetime import timedelta
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import Response

from carriers.sdk.registry import known_carriers
from tracker.web.pages import words
from tracker.web.pages.session import COOKIE, Sessions, session_of
from tracker.web.security import Caller

_HERE = Path(__file__).parent

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # with none at all, browsers send `Origin: null` with our own forms
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
THEME = "theme"
THEMES = ("auto", "light", "dark")
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}

#: Our own files by name, each with what identifies its content.
STATIC = {path.name: (path.read_bytes(), sha256(path.read_bytes()).hexdigest()[:16]) for path in _HERE.glob("static/*")}


def _static_url(name: str) -> str:
    return f"/static/{name}?v={STATIC[name][1]}"


def _carrier_name(code: str) -> str:
    registered = known_carriers().get(code)
    return registered.info.name if registered else code or "Unknown carrier"


_TEMPLATES = Environment(
    loader=FileSystemLoader(_HERE / "templates"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=StrictUndefined,
)
_TEMPLATES.filters.update(
    label=words.label,
    tone=words.tone,
    utc=words.utc,
    there=words.there,
    moment=words.moment,
    ago=words.ago,
    span=words.span,
    count=words.count,
    plural=words.plural,
    carrier=_carrier_name,
)
_TEMPLATES.globals.update(static=_static_url, themes=THEMES)


def page(request: Request, template: str, caller: Caller | None, code: int = 200, **shown: Any) -> HTMLResponse:
    """A page from its template. `caller` None: nobody is logged in."""
    sessions: Sessions = request.app.state.sessions
    services = request.app.state.services
    theme = request.cookies.get(THEME, "auto")
    html = _TEMPLATES.get_template(template).render(
        now=services.clock.now(),
        caller=caller,
        may_write=caller is not None and caller.role == "write",
        logged_in=COOKIE in request.cookies and caller is not None,
        csrf=sessions.form_token(session_of(request)),
        theme=theme if theme in THEMES else "auto",
        path=request.url.path,
        here=request.url.path + (f"?{request.url.query}" if request.url.query else ""),
        day=timedelta(days=1),
        **shown,
    )
    return HTMLResponse(html, code, headers=HEADERS)


def error(request: Request, status: int, detail: str, caller: Caller | None = None) -> HTMLResponse:
    """What went wrong, as a page."""
    return page(request, "error.html", caller, status, status=status, title=HTTPStatus(status).phrase, detail=detail)


def static(name: str, version: str, seen: str) -> Response | None:
    """One of our own files; None where there is none of that name. `version`: the content that was asked for; `seen`:
    the one the browser has, as its ETag."""
    found = STATIC.get(name)
    if found is None:
        return None
    content, digest = found
    headers = {
        "ETag": f'"{digest}"',
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "public, max-age=31536000, immutable" if version == digest else "no-cache",
    }
    if seen == f'"{digest}"':
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=_TYPES[Path(name).suffix], headers=headers)
