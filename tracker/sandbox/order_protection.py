"""Order Protection as the sandbox speaks it: five endpoints and a token, strict about every field.

Keeps all it was ever told of each fulfillment, so that order and completeness can be judged. Source of the
shapes: Order Protection's public API reference. Knows no carrier.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from carriers.sdk.status import FulfillmentStatus
from tracker.sandbox.carriers.carrier import body_json, json_response
from tracker.sandbox.desk import Desk, bearer, refused_credential

TOKEN_SECONDS = 3600
ISSUED = "op_at_"
"""How tokens of the token endpoint begin; any other is a fixed one from the shop's settings."""
OK = {"status": "ok"}

Check = Callable[[object], bool]


def _text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _status(value: object) -> bool:
    return isinstance(value, str) and value in set(FulfillmentStatus)


def _any_status(value: object) -> bool:
    try:
        FulfillmentStatus.read(value if isinstance(value, str) else "")
    except ValueError:
        return False
    return True


def _date(value: object) -> bool:
    if value is None:
        return True
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _items(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(item, dict)
        and _text(item.get("sourceItemId"))
        and isinstance(item.get("quantity"), int)
        and not isinstance(item["quantity"], bool)
        for item in value
    )


_FULFILLMENT: dict[str, Check] = {
    "sourceItemIds": _items,
    "fulfillmentStatus": _status,
    "sourceFulfillmentId": _text,
    "trackingCompany": _text,
    "trackingNumber": _texts,
    "trackingUrl": _texts,
    "createdAt": _date,
    "updatedAt": _date,
}
_REQUIRED = ("sourceItemIds", "fulfillmentStatus", "sourceFulfillmentId")


class _Refused(Exception):
    """The request is answered with this status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def _checked(payload: object, checks: dict[str, Check], required: Iterable[str]) -> dict[str, Any]:
    if not isinstance(payload, dict):
        raise _Refused(400, "the body must be a JSON object")
    for name in required:
        if name not in payload:
            raise _Refused(400, f"{name} is required")
    for name, value in payload.items():
        if name not in checks:
            raise _Refused(400, f"unknown field {name}")
        if not checks[name](value):
            raise _Refused(400, f"{name} is not valid")
    return payload


@dataclass(slots=True)
class Known:
    """A fulfillment as Order Protection knows it."""

    status: str
    payload: dict[str, Any]
    history: list[tuple[datetime, str]] = field(default_factory=list)
    """Each status it was told, with the time: the creation, then every push."""
    updated_at: datetime | None = None
    """When its status was last set; None: before this world began."""

    def shown(self) -> dict[str, Any]:
        """As it is listed."""
        updated_at = self.updated_at.isoformat() if self.updated_at else self.payload.get("updatedAt")
        return {**self.payload, "fulfillmentStatus": self.status, "updatedAt": updated_at}


class OrderProtection:
    """The receiving side."""

    def __init__(self) -> None:
        self.orders: dict[str, dict[str, Known]] = {}
        self.violations: list[dict[str, str]] = []
        """What a well-behaved client never does."""

    def register(self, order: str, fulfillments: Iterable[tuple[str, str]], now: datetime) -> None:
        """Know an order and these fulfillments, each with the status the shop gave it, from the start."""
        self.orders[order] = {
            id_: Known(FulfillmentStatus.read(status), {"sourceFulfillmentId": id_, "sourceItemIds": []})
            for id_, status in fulfillments
        }

    def falsify(self, order: str, fulfillment: str | None, status: str | None, updated_at: datetime | None) -> None:
        """Hold a fulfillment otherwise than it was told, as after a restored backup or somebody's hand: with another
        status, set at `updated_at` where that is given; forgotten with `status` None, the whole order without a
        `fulfillment`. Its history stays what it was told. Raises KeyError and ValueError."""
        if fulfillment is None:
            del self.orders[order]
        elif status is None:
            del self.orders[order][fulfillment]
        else:
            known = self.orders[order][fulfillment]
            known.status = FulfillmentStatus.read(status)
            known.updated_at = updated_at or known.updated_at

    def refuse(self, status: int, wait: float | None) -> Response:
        """Errors follow HTTP; 429 says when to come back."""
        message = {401: "invalid or expired token", 429: "too many requests", 500: "internal error"}
        headers = {"Retry-After": str(int(wait) + 1)} if wait is not None else None
        return json_response({"message": message.get(status, "service unavailable")}, status, headers)

    def stats(self) -> dict[str, Any]:
        """Violations, and the history of each fulfillment that was ever written to."""
        histories = [
            {
                "sourceOrderId": order,
                "sourceFulfillmentId": id_,
                "status": known.status,
                "history": [{"at": at.isoformat(), "status": status} for at, status in known.history],
            }
            for order, fulfillments in self.orders.items()
            for id_, known in fulfillments.items()
            if known.history
        ]
        pushes = sum(len(entry["history"]) for entry in histories)
        return {"pushes": pushes, "violations": self.violations, "fulfillments": histories}

    def app(self, desk: Desk, prefix: str) -> ASGIApp:
        """The endpoints. Routed by hand on the raw path: an order's id may hold an encoded slash."""

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            request = Request(scope, receive)
            raw = scope.get("raw_path") or scope["path"].encode()
            segments = [
                unquote(part) for part in raw.partition(b"?")[0].decode("ascii").removeprefix(prefix).split("/")
            ]
            response = await self._dispatch(request, desk, segments[1:])
            await response(scope, receive, send)

        return app

    async def _dispatch(self, request: Request, desk: Desk, segments: list[str]) -> Response:
        if (request.method, *segments) == ("POST", "v1", "oauth", "token"):
            return await self._token(request, desk)
        token = bearer(request)
        account = desk.holder(token) if token.startswith(ISSUED) else token
        endpoint, work = self._endpoint(request.method, segments)

        async def answer(request: Request) -> Response:
            try:
                scope = "read_orders" if request.method == "GET" else "write_orders"
                if token.startswith(ISSUED) and scope not in desk.scope(token).split():
                    raise _Refused(403, f"missing scope {scope}")
                if work is None:
                    raise _Refused(404, "no such endpoint")
                payload = None if request.method == "GET" else await body_json(request)
                status, body = work(payload, desk.clock.now())
            except _Refused as refused:
                return json_response({"message": refused.message}, refused.status)
            return json_response(body, status)

        return await desk.serve(request, endpoint, None if refused_credential(account or "") else account, answer)

    def _endpoint(
        self, method: str, segments: list[str]
    ) -> tuple[str, Callable[[object, datetime], tuple[int, object]] | None]:
        match (method, *segments):
            case ("POST", "v1", "orders"):
                return "post_order", self._post_order
            case ("PUT", "v1", "orders", order):
                return "put_order", lambda payload, now: self._put_order(order, payload)
            case ("POST", "v1", "orders", order, "fulfillments"):
                return "post_fulfillment", lambda payload, now: self._post(order, payload, now)
            case ("PUT", "v1", "orders", order, "fulfillments", id_):
                return "put_fulfillment", lambda payload, now: self._put(order, id_, payload, now)
            case ("GET", "v1", "orders", order, "fulfillments"):
                return "get_fulfillments", lambda payload, now: self._get(order)
        return "unknown", None

    async def _token(self, request: Request, desk: Desk) -> Response:
        payload = await body_json(request)
        fields = payload if isinstance(payload, dict) else {}
        client, secret = str(fields.get("client_id", "")), str(fields.get("client_secret", ""))
        bad = refused_credential(client) or refused_credential(secret)

        async def answer(request: Request) -> Response:
            scopes = fields.get("scopes")
            if fields.get("grant_type") != "client_credentials" or not _text(fields.get("store_id")):
                return json_response({"message": "grant_type and store_id are required"}, 400)
            if not _texts(scopes):
                return json_response({"message": "scopes must be an array of strings"}, 400)
            scope = " ".join(fields["scopes"])
            return json_response(
                {
                    "access_token": desk.issue(client, TOKEN_SECONDS, scope=scope, prefix=ISSUED),
                    "token_type": "Bearer",
                    "expires_in": TOKEN_SECONDS,
                    "refresh_token": desk.issue(client, TOKEN_SECONDS, prefix="op_rt_"),
                    "scope": scope,
                }
            )

        return await desk.serve(request, "token", None if bad else client, answer, token_call=True)

    def _post_order(self, payload: object, now: datetime) -> tuple[int, object]:
        if not isinstance(payload, dict) or not _text(payload.get("sourceOrderId")):
            raise _Refused(400, "sourceOrderId is required")
        checks = {**_FULFILLMENT, "fulfillmentStatus": _any_status}
        entries = payload.get("fulfillments", [])
        if not isinstance(entries, list):
            raise _Refused(400, "fulfillments must be an array")
        checked = [_checked(entry, checks, _REQUIRED) for entry in entries]
        if payload["sourceOrderId"] in self.orders:
            raise _Refused(409, "the order exists")
        self.orders[payload["sourceOrderId"]] = {
            entry["sourceFulfillmentId"]: Known(FulfillmentStatus.read(entry["fulfillmentStatus"]), entry)
            for entry in checked
        }
        return 201, OK

    def _put_order(self, order: str, payload: object) -> tuple[int, object]:
        self._order(order)
        if not isinstance(payload, dict):
            raise _Refused(400, "the body must be a JSON object")
        return 200, OK

    def _post(self, order: str, payload: object, now: datetime) -> tuple[int, object]:
        fulfillments = self._order(order)
        entry = _checked(payload, _FULFILLMENT, _REQUIRED)
        id_ = entry["sourceFulfillmentId"]
        if id_ in fulfillments:
            self.violations.append(
                {"at": now.isoformat(), "sourceOrderId": order, "sourceFulfillmentId": id_, "what": "created twice"}
            )
            raise _Refused(409, "the fulfillment exists")
        status = entry["fulfillmentStatus"]
        fulfillments[id_] = Known(status, entry, [(now, status)], now)
        return 201, OK

    def _put(self, order: str, id_: str, payload: object, now: datetime) -> tuple[int, object]:
        known = self._order(order).get(id_)
        if known is None:
            raise _Refused(404, "no such fulfillment")
        known.status = _checked(payload, {"status": _status}, ("status",))["status"]
        known.history.append((now, known.status))
        known.updated_at = now
        return 200, OK

    def _get(self, order: str) -> tuple[int, object]:
        return 200, [known.shown() for known in self._order(order).values()]

    def _order(self, order: str) -> dict[str, Known]:
        if order not in self.orders:
            raise _Refused(404, "no such order")
        return self.orders[order]
