"""The pages for people: server-rendered, read-only, from the database alone."""

import secrets
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, select_autoescape

from tracker.store import overview, queries
from tracker.web.services import Services

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=select_autoescape(),
    trim_blocks=True,
    lstrip_blocks=True,
)


def router(services: Services) -> APIRouter:
    """`/`."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/", response_class=HTMLResponse)
    async def page(q: str = "") -> HTMLResponse:
        reference = q.strip()
        shown = await run_in_threadpool(_read, services, reference)
        nonce = secrets.token_urlsafe(16)
        html = _TEMPLATES.get_template("overview.html").render(**shown, q=reference, nonce=nonce)
        headers = {
            "Content-Security-Policy": f"default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self'; "
            "base-uri 'none'; frame-ancestors 'none'",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
        }
        return HTMLResponse(html, headers=headers)

    return routes


def _read(services: Services, reference: str) -> dict[str, Any]:
    now = services.clock.now()
    with services.database.read() as tx:
        return {
            "now": now,
            "statuses": overview.parcels_by_status(tx),
            "accounts": overview.accounts(tx, now),
            "outbox": overview.outbox(tx),
            "news": overview.news(tx, limit=20),
            "found": queries.tracked(tx, reference) if reference else None,
        }
