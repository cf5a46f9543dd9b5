"""Order Protection's own calls, at the tracker's address: made there unchanged, and followed from then on.

Owns the routes and their description. What becomes of a call is `tracker.forwarding`'s.
"""

from typing import Any

from fastapi import APIRouter, Request, Response

from carriers.sdk.exchange import Reply
from carriers.sdk.status import FulfillmentStatus
from tracker.forwarding import Forwarding, MerchantCall, Queued, Undelivered
from tracker.web.api.answers import Id, errors
from tracker.web.problems import Problem
from tracker.web.security import Reader, Writer
from tracker.web.services import Services

#: The largest body that is taken, in bytes.
LARGEST = 5_000_000


def router(services: Services) -> APIRouter:
    """`/v1/orders`."""
    routes = APIRouter(prefix="/v1/orders", tags=["Order Protection's own calls"])
    forwarding = Forwarding(
        services.order_protection, services.writer, services.clock, services.settings, services.routes
    )

    async def tell(request: Request) -> Response:
        return _answer(await forwarding.tell(await _call(request)))

    @routes.post("", operation_id="createOrder", summary="Create an order", **_described("Order", 201))
    async def create_order(request: Request, caller: Writer) -> Response:
        return await tell(request)

    @routes.put("/{sourceOrderId}", operation_id="updateOrder", summary="Change an order", **_described("OrderChange"))
    async def update_order(request: Request, caller: Writer, sourceOrderId: Id) -> Response:
        return await tell(request)

    @routes.post(
        "/{sourceOrderId}/fulfillments",
        operation_id="createFulfillment",
        summary="Create a fulfillment, and follow its parcels",
        **_described("NewFulfillment", 201),
    )
    async def create_fulfillment(request: Request, caller: Writer, sourceOrderId: Id) -> Response:
        return await tell(request)

    @routes.get(
        "/{sourceOrderId}/fulfillments",
        operation_id="getFulfillmentsOfOrder",
        summary="What Order Protection knows of an order's fulfillments",
        **_described(None),
    )
    async def get_fulfillments(request: Request, caller: Reader, sourceOrderId: Id) -> Response:
        return _answer(await forwarding.look(await _call(request)))

    @routes.put(
        "/{sourceOrderId}/fulfillments/{sourceFulfillmentId}",
        operation_id="updateFulfillment",
        summary="Set a fulfillment's status; one that a carrier gives stands above it",
        **_described("NewStatus"),
    )
    async def update_fulfillment(
        request: Request,
        caller: Writer,
        sourceOrderId: Id,
        sourceFulfillmentId: Id,
    ) -> Response:
        return await tell(request)

    return routes


async def _call(request: Request) -> MerchantCall:
    """The request as it came, but for what would lead its path elsewhere."""
    path = "/".join(
        part.replace(".", "%2E") if part in (".", "..") else part for part in request.scope["path"].split("/")
    )
    query = request.scope["query_string"].decode("ascii", "replace")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST:
            raise Problem(413, f"the body is larger than {LARGEST:,} bytes")
    return MerchantCall(
        request.method, f"{path}?{query}" if query else path, request.headers.get("content-type", ""), body
    )


def _answer(outcome: Reply | Queued | Undelivered) -> Response:
    if isinstance(outcome, Queued):
        return Response(b'{"status":"queued"}', 202, media_type="application/json")
    if isinstance(outcome, Undelivered):
        if outcome.mendable:
            raise Problem(502, f"{outcome.reason}; mend `orders` in the tracker's configuration. Nothing was kept")
        wait = {"Retry-After": str(outcome.retry_after)}
        raise Problem(
            503, f"Order Protection cannot be given the call now: {outcome.reason}. Nothing was kept", headers=wait
        )
    headers = {name: outcome.headers[name] for name in ("content-type", "retry-after") if name in outcome.headers}
    return Response(outcome.body, outcome.status, headers)


_STATUS = {"type": "string", "enum": [status.value for status in FulfillmentStatus]}
_ID = {"type": "string", "minLength": 1, "maxLength": 255}
_TEXTS = {"type": "array", "items": {"type": "string"}}
_WHEN = {"type": ["string", "null"], "format": "date-time"}
_OK = {
    "type": "object",
    "required": ["status"],
    "properties": {"status": {"type": "string"}},
    "examples": [{"status": "ok"}],
}

_NEW_FULFILLMENT: dict[str, Any] = {
    "title": "NewFulfillment",
    "description": "A fulfillment as Order Protection takes it.",
    "type": "object",
    "required": ["sourceItemIds", "fulfillmentStatus", "sourceFulfillmentId"],
    "properties": {
        "sourceItemIds": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["sourceItemId", "quantity"],
                "properties": {"sourceItemId": _ID, "quantity": {"type": "integer"}},
            },
        },
        "fulfillmentStatus": _STATUS,
        "sourceFulfillmentId": _ID,
        "trackingCompany": {"type": "string"},
        "trackingNumber": _TEXTS,
        "trackingUrl": _TEXTS,
        "createdAt": _WHEN,
        "updatedAt": _WHEN,
    },
    "examples": [
        {
            "sourceItemIds": [{"sourceItemId": "1478", "quantity": 1}],
            "fulfillmentStatus": "FULFILLED",
            "sourceFulfillmentId": "fulfillment-123",
            "trackingCompany": "FedEx",
            "trackingNumber": ["794600000017"],
        }
    ],
}
_ORDER: dict[str, Any] = {
    "title": "Order",
    "description": "An order as Order Protection takes it. Of its customer nothing is kept here.",
    "type": "object",
    "required": ["sourceOrderId"],
    "properties": {
        "sourceOrderId": _ID,
        "sourceOrderNumber": {"type": "string"},
        "sourceCreatedAt": _WHEN,
        "sourceUpdatedAt": _WHEN,
        "sourceCancelledAt": _WHEN,
        "tags": {"type": "string"},
        "fulfillments": {"type": "array", "items": {"$ref": "#/components/schemas/NewFulfillment"}},
    },
    "examples": [{"sourceOrderId": "#517AB", "fulfillments": []}],
}
#: Components of the description.
SCHEMAS: dict[str, Any] = {
    "NewFulfillment": _NEW_FULFILLMENT,
    "Order": _ORDER,
    "OrderChange": {**_ORDER, "title": "OrderChange", "required": [], "examples": [{"tags": "wholesale"}]},
    "NewStatus": {
        "title": "NewStatus",
        "type": "object",
        "required": ["status"],
        "properties": {"status": _STATUS},
        "examples": [{"status": "FULFILLED"}],
    },
    "Ok": {"title": "Ok", "description": "It is done.", **_OK},
}


def _described(body: str | None, done: int = 200) -> dict[str, Any]:
    """A route's part in the description. `body`: the component; None for a question."""
    answered = {"application/json": {"schema": {"$ref": "#/components/schemas/Ok"}}}
    responses = errors(413, 502)
    if body is None:
        items = {"type": "array", "items": {"type": "object"}}
        responses[200] = {
            "description": "As Order Protection has them.",
            "content": {"application/json": {"schema": items}},
        }
        extra: dict[str, Any] = {}
    else:
        responses[done] = {"description": "Order Protection took it.", "content": answered}
        queued = "Order Protection is down; the call waits and will be made (`web.front_door: queue`)."
        responses[202] = {"description": queued, "content": answered}
        schema = {"schema": {"$ref": f"#/components/schemas/{body}"}}
        extra = {"requestBody": {"required": True, "content": {"application/json": schema}}}
    responses["default"] = {"description": "Whatever else Order Protection answers.", "content": {"*/*": {}}}
    return {"status_code": done, "responses": responses, "openapi_extra": extra}
