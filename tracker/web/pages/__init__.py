"""The pages for people: server-rendered, without a build step, and whole without JavaScript.

Owns their assembly. Reading needs a token of role read as soon as there is any, the buttons one of role write. What is
shown comes from the database alone; the statements are the store's, what the buttons do is `tracker.desk`'s.
"""

from fastapi import APIRouter, FastAPI, Request
from starlette.responses import Response

from tracker.web.pages import carriers, codes, dressing, fulfillment, login, outbox, overview, parcels, reports
from tracker.web.pages.errors import Errors
from tracker.web.pages.session import Sessions
from tracker.web.problems import Problem
from tracker.web.services import Services


def install(app: FastAPI, services: Services) -> None:
    """Serve the pages, their files, and errors in their look."""
    app.state.sessions = Sessions(services)
    app.add_middleware(Errors)
    app.include_router(_files())
    for part in (overview, parcels, fulfillment, carriers, reports, outbox, codes, login):
        app.include_router(part.router(services))


def _files() -> APIRouter:
    """`/static/` and `/favicon.ico`."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/static/{name}")
    async def static(request: Request, name: str, v: str = "") -> Response:
        found = dressing.static(name, v, request.headers.get("if-none-match", ""))
        if found is None:
            raise Problem(404, "there is nothing under this path")
        return found

    @routes.get("/favicon.ico")
    async def icon(request: Request) -> Response:
        found = dressing.static("icon.svg", "", request.headers.get("if-none-match", ""))
        assert found is not None, "it is one of ours"  # noqa: S101 - tells the type checker
        return found

    return routes
