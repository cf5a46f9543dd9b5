"""The sandbox as one HTTP server on loopback: a prefix for each service, and `/_sandbox/` for whoever runs it.

Owns the URL layout, the control endpoints and the server's life. Knows no wire format.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from tracker.sandbox.carriers import CARRIERS
from tracker.sandbox.carriers.carrier import body_json, json_response
from tracker.sandbox.journeys import Kind
from tracker.sandbox.world import ORDER_PROTECTION, World

HOST = "127.0.0.1"
PATHS = {**{code: f"/{code}" for code in CARRIERS}, ORDER_PROTECTION: "/order-protection"}
"""Where each service's base URL lies."""


def build_app(world: World) -> Starlette:
    """The ASGI application of a world."""
    mounts = [
        Mount(PATHS[code], routes=carrier.routes(world.desks[code], world.parcels[code]))
        for code, carrier in CARRIERS.items()
    ]
    path = PATHS[ORDER_PROTECTION]
    mounts.append(Mount(path, app=world.order_protection.app(world.desks[ORDER_PROTECTION], path)))
    return Starlette(routes=[*mounts, Mount("/_sandbox", routes=_control(world))])


def _control(world: World) -> list[Route]:
    async def faults(request: Request) -> Response:
        try:
            world.break_down(await body_json(request))
        except ValueError as error:
            return json_response({"message": str(error)}, 400)
        return json_response({"status": "ok"})

    async def falsify(request: Request) -> Response:
        try:
            _falsify(world, await body_json(request))
        except (KeyError, ValueError) as error:
            return json_response({"message": str(error)}, 400)
        return json_response({"status": "ok"})

    async def stats(request: Request) -> Response:
        return json_response(world.stats())

    async def truth(request: Request) -> Response:
        now = world.present()
        return json_response({"now": now.isoformat(), "fulfillments": world.truth(now)})

    async def freeze(request: Request) -> Response:
        return json_response({"now": world.freeze().isoformat()})

    async def orders(request: Request) -> Response:
        created = world.clock.now() if "created" in request.query_params else None
        return json_response(world.orders_payload(created))

    async def parcels(request: Request) -> Response:
        try:
            return json_response(_add(world, await body_json(request)), 201)
        except (KeyError, ValueError) as error:
            return json_response({"message": str(error)}, 400)

    return [
        Route("/faults", faults, methods=["PUT"]),
        Route("/falsify", falsify, methods=["PUT"]),
        Route("/freeze", freeze, methods=["PUT"]),
        Route("/stats", stats, methods=["GET"]),
        Route("/truth", truth, methods=["GET"]),
        Route("/orders", orders, methods=["GET"]),
        Route("/parcels", parcels, methods=["POST"]),
    ]


def _falsify(world: World, payload: object) -> None:
    """`{"sourceOrderId", "sourceFulfillmentId"?, "status"?, "updatedAt"?}`: Order Protection holds another status, or
    has forgotten the fulfillment, or the order."""
    if not isinstance(payload, dict) or "sourceOrderId" not in payload:
        raise ValueError("sourceOrderId is required")
    set_at = datetime.fromisoformat(payload["updatedAt"]) if "updatedAt" in payload else None
    world.order_protection.falsify(
        payload["sourceOrderId"], payload.get("sourceFulfillmentId"), payload.get("status"), set_at
    )


def _add(world: World, payload: object) -> list[dict[str, Any]]:
    """`{"carrier", "count"}` draws parcels; `{"carrier", "scans": [{"kind", "at"}], "trackingNumber"?}` tells one."""
    if not isinstance(payload, dict) or payload.get("carrier") not in CARRIERS:
        raise ValueError(f"carrier must be one of {', '.join(CARRIERS)}")
    carrier: str = payload["carrier"]
    if "scans" not in payload:
        return [order.payload() for order in world.add(int(payload.get("count", 1)), (carrier,))]
    scans = [(Kind(scan["kind"]), datetime.fromisoformat(scan["at"])) for scan in payload["scans"]]
    if any(at.tzinfo is None for _, at in scans):
        raise ValueError("a scan's time needs an offset")
    return [world.add_told(carrier, scans, payload.get("trackingNumber")).payload()]


class _Server(uvicorn.Server):
    """A server that leaves signals to the process it runs in."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Capture none."""
        yield


@asynccontextmanager
async def serve(world: World, port: int = 0) -> AsyncIterator[str]:
    """Serve a world on loopback while the block runs; gives its URL. Port 0 takes a free one. Raises OSError."""
    config = uvicorn.Config(
        build_app(world),
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=1,
    )
    server = _Server(config)
    with _listener(port) as listener:
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            while not server.started:  # noqa: ASYNC110 - uvicorn offers no event
                await asyncio.sleep(0.01)
            yield f"http://{HOST}:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task


def _listener(port: int) -> socket.socket:
    """A bound socket. It names TCP as its protocol: asyncio switches Nagle's algorithm off for no other, and
    each answer would wait 40 ms for the client's delayed acknowledgement."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
    except OSError:
        listener.close()
        raise
    return listener
