"""`POST /hooks/{carrier}`, and `/hooks/{carrier}/{account}`: where carriers deliver.

Owns the addresses, the size of what is let in, and what each outcome is answered with. A refusal says nothing but its
status: whoever cannot prove a delivery is told nothing. What carriers send is `tracker.hooks`' to take.
"""

from collections.abc import Mapping

from fastapi import APIRouter, Request, Response
from starlette.requests import ClientDisconnect

from carriers.sdk.hooks import Delivery
from tracker.hooks import Outcome
from tracker.web.services import Services

#: The most bytes of a delivery.
LARGEST = 1_000_000

#: Carriers repeat what is not answered with 2xx, and some give up on an address that never is.
STATUSES: Mapping[Outcome, int] = {
    Outcome.TAKEN: 200,
    Outcome.REPEATED: 200,
    Outcome.UNPROVEN: 401,
    Outcome.CLOSED: 403,
    Outcome.STALE: 409,
    Outcome.UNREADABLE: 400,
}


def router(services: Services) -> APIRouter:
    """The carriers' addresses; none where there is nobody to take deliveries."""
    routes = APIRouter(include_in_schema=False, prefix="/hooks")

    @routes.post("/{carrier}")
    async def of_carrier(request: Request, carrier: str) -> Response:
        return await _take(services, request, carrier)

    @routes.post("/{carrier}/{account}")
    async def of_account(request: Request, carrier: str, account: str) -> Response:
        return await _take(services, request, carrier, account)

    return routes


async def _take(services: Services, request: Request, carrier: str, account: str = "") -> Response:
    hooks = services.hooks
    name = hooks.named(carrier, account) if hooks else None
    if hooks is None or name is None:
        return Response(status_code=404)
    body = await _body(request)
    if body is None:
        return Response(status_code=413)
    received = await hooks.take(name, Delivery(dict(request.headers), body))
    return Response(status_code=STATUSES[received.outcome])


async def _body(request: Request) -> bytes | None:
    """What was sent; None where that is too much, without reading the rest."""
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > LARGEST:
                return None
    except ClientDisconnect:
        return None
    return bytes(body)
