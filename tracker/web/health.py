"""Whether the daemon lives."""

from fastapi import APIRouter

from tracker.web.services import Services


def router(services: Services) -> APIRouter:
    """`/healthz`."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    return routes
