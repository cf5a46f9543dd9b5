"""What is wrong with a request, as problem JSON (RFC 9457): what it is, and what to do about it.

Owns the shape of every error the HTTP API answers with. No answer quotes what was sent: it may be a secret, or
somebody's address.
"""

from collections.abc import Mapping
from http import HTTPStatus

import orjson
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.routing import Match

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):
    """Ends a request with an error."""

    def __init__(self, status: int, detail: str, *, headers: Mapping[str, str] | None = None) -> None:
        """`detail`: what is wrong and what to do."""
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers

    def response(self) -> Response:
        """As an answer."""
        return answer(self.status, self.detail, headers=self.headers)


def answer(
    status: int,
    detail: str,
    *,
    errors: list[dict[str, str]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """An answer in problem JSON. `errors`: each part of the request that is wrong, as `where` and `what`."""
    title = HTTPStatus(status).phrase
    body: dict[str, object] = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    if errors:
        body["errors"] = errors
    return Response(orjson.dumps(body), status, headers, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Answer every error of this application so."""

    async def problem(_request: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)  # noqa: S101 - tells the type checker
        return error.response()

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - tells the type checker
        if error.status_code == 405:
            allowed = ", ".join(_methods(request))
            return answer(405, f"this path takes {allowed}", headers={"Allow": allowed})
        detail = "there is nothing under this path" if error.status_code == 404 else error.detail
        return answer(error.status_code, detail, headers=error.headers)

    async def invalid(_request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - tells the type checker
        errors = [
            {"where": ".".join(str(part) for part in item["loc"]), "what": str(item["msg"])} for item in error.errors()
        ]
        return answer(422, "the request does not have the form that is expected", errors=errors)

    async def unexpected(_request: Request, _error: Exception) -> Response:
        return answer(500, "the tracker failed; its log says why")

    app.add_exception_handler(Problem, problem)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(Exception, unexpected)


def _methods(request: Request) -> list[str]:
    """The methods that any route takes at the request's path."""
    routes = request.app.routes
    return [
        method
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in routes)
    ]
