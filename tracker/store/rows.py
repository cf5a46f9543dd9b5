"""Many rows in one step, as JSON in and out of SQLite.

The driver lets go of the interpreter and takes it back for every row it steps over; beside a busy event loop
each such change costs more than the row. So the hot path's statements take all their rows as one JSON array,
and give all their results as one.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection

from tracker.store.times import stored


def selected(columns: Sequence[str], source: str) -> str:
    """A SELECT of these expressions from `source` (all behind FROM) whose result is one JSON array of arrays."""
    return f"SELECT json_group_array(json_array({', '.join(columns)})) FROM {source}"


def fetch(tx: Connection, query: str, parameters: Mapping[str, object]) -> list[list[Any]]:
    """The rows of a query made with `selected`."""
    rows: list[list[Any]] = orjson.loads(tx.exec_driver_sql(query, dict(parameters)).scalar_one())
    return rows


def given(columns: Sequence[str]) -> str:
    """A table expression over the parameter `:rows`, made with `packed` from the same columns."""
    extracted = ", ".join(f"json_extract(value, '$[{index}]') AS {name}" for index, name in enumerate(columns))
    return f"(SELECT {extracted} FROM json_each(:rows))"


def packed(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """Rows as the JSON that `given` reads; instants in the form the database has them."""
    return orjson.dumps([[_plain(row[name]) for name in columns] for row in rows]).decode()


def _plain(value: object) -> object:
    return stored(value) if isinstance(value, datetime) else value
