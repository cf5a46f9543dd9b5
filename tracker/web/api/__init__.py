"""The HTTP API: Order Protection's own calls as the front door (`/v1`), and the status queries (`/api`).

Owns the whole of its description. Each part's routes are in the modules beside this one.
"""

from functools import cache
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi

from tracker.web.api import desk, front_door, lists
from tracker.web.api.answers import answer
from tracker.web.api.schemas import PROBLEM
from tracker.web.security import Reader
from tracker.web.services import Services

_ABOUT = (
    "Fulfillments and their parcels, as the carriers tell of them. Ids in a path are percent-encoded: the order"
    " `#517AB` is `%23517AB`. Lists come in pages: follow `next`, or the Link header. A GET gives an ETag; send it back"
    " in If-None-Match and get 304 while nothing changed."
)


def router(services: Services) -> APIRouter:
    """`/v1`, `/api`, and their description."""
    routes = APIRouter()
    for part in (lists, desk, front_door):
        routes.include_router(part.router(services))

    @routes.get("/api/openapi.json", include_in_schema=False)
    async def openapi(request: Request, caller: Reader) -> Response:
        return answer(request, description(request.app))

    return routes


@cache
def description(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI description of all routes that are in it."""
    described = get_openapi(
        title="Fulfillment tracker",
        version=app.version,
        openapi_version="3.1.0",
        description=_ABOUT,
        routes=app.routes,
    )
    schemas = described["components"]["schemas"]
    schemas |= {"Problem": PROBLEM, **front_door.SCHEMAS}
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    return described
