"""Database work off the event loop: one thread, one write at a time, in the order asked.

SQLite has one writer anyway; waiting for it in a thread leaves the loop free for the network.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import Connection

from tracker.store.database import Database

T = TypeVar("T")


class Writer:
    """Runs functions of a write transaction in the database thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="database")

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Run `work` inside a write transaction and return what it returns; commits unless it raises."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._transaction, work)

    def close(self) -> None:
        """Wait for the work under way and end the thread."""
        self._thread.shutdown()

    def _transaction(self, work: Callable[[Connection], T]) -> T:
        with self._database.write() as tx:
            return work(tx)
