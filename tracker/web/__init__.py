"""What `tracker run` serves: the pages, the HTTP API, and what watches over the daemon.

Owns the application's assembly and the server's life inside the daemon. What is served where is in `pages`, `api`
and `health`; none of them knows SQL.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager, contextmanager
from importlib.metadata import version

import uvicorn
from fastapi import FastAPI

from tracker.config import Web
from tracker.web import api, health, hooks, metrics, pages, problems, security
from tracker.web.security import exposed
from tracker.web.services import Services

__all__ = ["Services", "build", "exposed", "serve"]


def build(services: Services) -> FastAPI:
    """The ASGI application."""
    app = FastAPI(
        title="Fulfillment tracker",
        version=version("fulfillment-tracker"),
        docs_url=None,
        redoc_url=None,
        openapi_url=None,  # the API serves it, behind its tokens
        redirect_slashes=False,
    )
    app.state.services = services
    app.add_middleware(security.Gate, services=services)
    problems.install(app)
    app.include_router(health.router(services))
    app.include_router(metrics.router(services))
    app.include_router(hooks.router(services))
    app.include_router(api.router(services))
    pages.install(app, services)
    return app


class _Server(uvicorn.Server):
    """Leaves signals to the daemon."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Capture none."""
        yield


@asynccontextmanager
async def serve(app: FastAPI, settings: Web) -> AsyncIterator[str]:
    """Serve while the block runs; gives the URL. Raises OSError where the port is taken."""
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", ws="none", server_header=False)
    server = _Server(config)
    with socket.create_server((settings.host, settings.port)) as listener:
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            host, port = listener.getsockname()[:2]
            yield f"http://{host}:{port}/"
        finally:
            server.should_exit = True
            await task
