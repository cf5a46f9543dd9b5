"""Errors as pages, for browsers: what a page, a button or the gate refuses is shown in the site's own look.

Owns the choice: whoever accepts HTML and asks for no part of the API gets HTML, all others get problem JSON as it is.
"""

import orjson
from fastapi import Request
from fastapi.responses import RedirectResponse
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tracker.web.pages import dressing
from tracker.web.pages.login import login_url
from tracker.web.pages.session import NeedsLogin
from tracker.web.problems import MEDIA_TYPE

#: Parts of the site that programs use.
_FOR_PROGRAMS = ("/api/", "/v1/", "/hooks/", "/metrics", "/healthz", "/readyz")

#: Headers of an error that its page has too.
_KEPT = ("allow", "retry-after")


class Errors:
    """Stands outermost and turns problem JSON into pages."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http" or not _wants_page(scope):
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        held = _Held(send)
        try:
            await self._app(scope, receive, held)
        except NeedsLogin:
            await RedirectResponse(login_url(request), 303)(scope, receive, send)
        except Exception:
            if not held.began:
                await dressing.error(request, 500, "the tracker failed; its log says why")(scope, receive, send)
            raise
        if held.problem is not None:
            problem = orjson.loads(held.body)
            page = dressing.error(request, problem["status"], problem.get("detail", ""))
            page.headers.update(
                {name: value for name, value in held.problem.items() if name in ("allow", "retry-after")}
            )
            await page(scope, receive, send)


class _Held:
    """Passes answers on, but for problem JSON, which it keeps."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.began = False
        self.problem: Headers | None = None
        self.body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = Headers(raw=message["headers"])
            if headers.get("content-type", "").startswith(MEDIA_TYPE):
                self.problem = headers
        if self.problem is None:
            self.began = True
            await self._send(message)
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")


def _wants_page(scope: Scope) -> bool:
    path: str = scope["path"]
    return "text/html" in Headers(scope=scope).get("accept", "") and not path.startswith(_FOR_PROGRAMS)
