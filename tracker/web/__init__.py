"""The page and the health check that `tracker run` serves on loopback: read-only, from the database alone.

Owns the routes and the server's life inside the daemon. Knows no SQL and changes nothing.
"""

import asyncio
import secrets
import socket
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from jinja2 import Environment, FileSystemLoader, select_autoescape
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from tracker.clock import Clock
from tracker.config import Web
from tracker.store import overview, queries
from tracker.store.database import Database

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=select_autoescape(), trim_blocks=True, lstrip_blocks=True
)


def build(database: Database, clock: Clock) -> Starlette:
    """The ASGI application over a database."""

    async def page(request: Request) -> Response:
        reference = request.query_params.get("q", "").strip()
        shown = await run_in_threadpool(_read, database, clock, reference)
        nonce = secrets.token_urlsafe(16)
        html = _TEMPLATES.get_template("page.html").render(**shown, q=reference, nonce=nonce)
        headers = {
            "Content-Security-Policy": f"default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self'; "
            "base-uri 'none'; frame-ancestors 'none'",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
        }
        return HTMLResponse(html, headers=headers)

    async def healthz(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    return Starlette(routes=[Route("/", page), Route("/healthz", healthz)])


def _read(database: Database, clock: Clock, reference: str) -> dict[str, Any]:
    now = clock.now()
    with database.read() as tx:
        return {
            "now": now,
            "statuses": overview.parcels_by_status(tx),
            "accounts": overview.accounts(tx, now),
            "outbox": overview.outbox(tx),
            "news": overview.news(tx, limit=20),
            "found": queries.tracked(tx, reference) if reference else None,
        }


class _Server(uvicorn.Server):
    """Leaves signals to the daemon."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Capture none."""
        yield


@asynccontextmanager
async def serve(app: Starlette, settings: Web) -> AsyncIterator[str]:
    """Serve while the block runs; gives the URL. Raises OSError where the port is taken."""
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", ws="none", server_header=False)
    server = _Server(config)
    with socket.create_server((settings.host, settings.port)) as listener:
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            host, port = listener.getsockname()[:2]
            yield f"http://{host}:{port}/"
        finally:
            server.should_exit = True
            await task
