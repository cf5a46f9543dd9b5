"""How the HTTP API answers: JSON with an ETag, pages with a link to the next, errors as they are described.

Owns the parameters that lists have in common. Knows no route.
"""

import re
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Annotated, Any
from urllib.parse import unquote, urlencode

import orjson
from fastapi import Path, Query, Request, Response
from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from carriers.sdk.registry import known_carriers
from tracker.web.problems import MEDIA_TYPE

#: A page's rows, and the most of them.
PAGE, LARGEST_PAGE = 50, 500
#: What parcels whose carrier nobody knows are listed by.
UNKNOWN = "unknown"


def answer(request: Request, payload: object, *, headers: dict[str, str] | None = None) -> Response:
    """JSON, or 304 where the caller has it already."""
    body = orjson.dumps(payload)
    tag = f'"{blake2b(body, digest_size=16).hexdigest()}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", **(headers or {})}
    known = request.headers.get("if-none-match", "")
    if known.strip() == "*" or tag in (one.strip().removeprefix("W/") for one in known.split(",")):
        return Response(None, 304, headers)
    return Response(body, 200, headers, media_type="application/json")


def page(request: Request, items: list[Any], last: int | None) -> Response:
    """A page. `last`: our id of its last row, where there is a further page."""
    cursor = None if last is None else f"{last:x}"
    headers = {}
    if cursor is not None:
        others = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
        headers["Link"] = f'<{request.scope["path"]}?{urlencode([*others, ("cursor", cursor)])}>; rel="next"'
    return answer(request, {"items": items, "next": cursor}, headers=headers)


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The description of a route's errors: these, and those every route has."""
    words = {
        401: "No token, or one that is unknown, revoked or expired.",
        403: "The token may not do this.",
        404: "Nothing is known of it.",
        409: "It cannot be done as things stand.",
        413: "The body is too large.",
        421: "The host name is not known; see `web.names`.",
        422: "The request does not have the form that is expected.",
        502: "Order Protection refuses the tracker's own credentials.",
        503: "Not served, or not deliverable now.",
    }
    problem = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    described: dict[int | str, dict[str, Any]] = {
        status: {"description": words[status], "content": problem}
        for status in sorted({401, 403, 421, 422, 503, *statuses})
    }
    described[401]["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
    return described


def found(model: type[Any], description: str) -> dict[int | str, dict[str, Any]]:
    """The description of a route's answer, and of its being known already."""
    tag = {"ETag": {"schema": {"type": "string"}}}
    return {
        200: {"model": model, "description": description, "headers": tag},
        304: {"description": "As the ETag in If-None-Match says, nothing changed.", "headers": tag},
    }


def _yes_or_no(value: object) -> object:
    if value not in ("true", "false", True, False):
        raise ValueError("expected true or false")
    return value in ("true", True)


_WHEN = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")


def _instant(value: object) -> datetime:
    if not isinstance(value, str) or not _WHEN.fullmatch(value):
        raise ValueError("expected a date and time with an offset, such as 2026-03-02T12:00:00Z; `+` is %2B in a URL")
    try:
        moment = datetime.fromisoformat(value.upper())
    except ValueError:
        raise ValueError("there is no such date and time") from None
    try:
        return moment.astimezone(UTC)
    except OverflowError:  # at the very ends of the calendar
        return moment.replace(tzinfo=UTC)


def _whole(value: object) -> object:
    if isinstance(value, str) and not re.fullmatch(r"-?\d{1,18}", value, re.ASCII):
        raise ValueError("expected a whole number")
    return value


def _carrier(value: str) -> str:
    if value != UNKNOWN and value not in known_carriers():
        raise ValueError("unknown carrier; GET /api/carriers lists them")
    return "" if value == UNKNOWN else value


def _read_cursor(value: object) -> object:
    if not isinstance(value, str) or not re.fullmatch(_CURSOR, value):
        raise ValueError("expected the `next` of a page")
    return int(value, 16)


_CURSOR = "[0-9a-f]{1,15}"

YesOrNo = Annotated[bool, BeforeValidator(_yes_or_no)]
Instant = Annotated[
    datetime, BeforeValidator(_instant), WithJsonSchema({"type": "string", "format": "date-time"}), Query()
]
Days = Annotated[int, Field(ge=0, le=3650), BeforeValidator(_whole), Query()]
CarrierCode = Annotated[
    str,
    AfterValidator(_carrier),
    WithJsonSchema({"type": "string", "enum": [*known_carriers(), UNKNOWN]}),
    Query(description=f"Parcels of this carrier; `{UNKNOWN}` for those whose carrier nobody knows."),
]
Search = Annotated[
    str, Query(max_length=255, description="How a tracking number, sourceFulfillmentId or sourceOrderId begins.")
]
Limit = Annotated[
    int,
    Field(ge=1, le=LARGEST_PAGE),
    BeforeValidator(_whole),
    Query(description="The most rows of a page."),
]
Cursor = Annotated[
    int,
    BeforeValidator(_read_cursor),
    WithJsonSchema({"type": "string", "pattern": f"^{_CURSOR}$"}),
    Query(description="Where the page begins: the `next` of the one before."),
]
#: An id in a path, which the Gate leaves percent-encoded.
Id = Annotated[
    str,
    BeforeValidator(lambda value: unquote(value) if isinstance(value, str) else value),
    Path(min_length=1, max_length=255),
]
