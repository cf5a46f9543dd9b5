"""The server inside the daemon: it answers over HTTP."""

import asyncio
from pathlib import Path

import httpx

from tests.integration.api_bench import ApiBench
from tracker import web
from tracker.config import Web


def test_healthz_answers_over_http(tmp_path: Path) -> None:
    bench = ApiBench(tmp_path)

    async def ask() -> httpx.Response:
        async with web.serve(bench.app, Web(port=0)) as url, httpx.AsyncClient() as client:
            return await client.get(f"{url}healthz")

    assert asyncio.run(ask()).json() == {"status": "ok"}
    bench.writer.close()
    bench.database.close()
