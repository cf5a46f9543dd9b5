"""What the cadence has learnt and goes by, in the database: sums of news seen and expected, and prices.

Rows of one key are added up, so that several daemons teach one table. Knows no hazards.
"""

from collections import defaultdict
from collections.abc import Iterable

import orjson
from sqlalchemy import Connection

from tracker.cadence import Lesson, Price
from tracker.cadence.stages import Stage
from tracker.store import rows

_COLUMNS = ("carrier", "service", "stage", "part", "events", "expected")
_ADD = (
    f"INSERT INTO lessons ({', '.join(_COLUMNS)})"
    f" SELECT * FROM {rows.given(_COLUMNS)} WHERE true"
    " ON CONFLICT (carrier, service, stage, part)"
    " DO UPDATE SET events = events + excluded.events, expected = expected + excluded.expected"
)


def add(tx: Connection, lessons: Iterable[Lesson]) -> None:
    """Add to the sums."""
    sums: defaultdict[tuple[str, str, Stage, str], list[float]] = defaultdict(lambda: [0.0, 0.0])
    for carrier, service, stage, part, events, expected in lessons:  # many, of few keys: added up here, not row by row
        total = sums[carrier, service, stage, part]
        total[0] += events
        total[1] += expected
    given = [dict(zip(_COLUMNS, (*key, *total), strict=True)) for key, total in sums.items()]
    if given:
        tx.exec_driver_sql(_ADD, {"rows": rows.packed(given, _COLUMNS)})


def lessons(tx: Connection) -> list[Lesson]:
    """All that was learnt, by carrier, service and stage."""
    found = tx.exec_driver_sql(f"SELECT {', '.join(_COLUMNS)} FROM lessons ORDER BY 1, 2, 3, 4")
    return [Lesson(row[0], row[1], Stage(row[2]), row[3], row[4], row[5]) for row in found]


def forget(tx: Connection, carrier: str | None = None) -> int:
    """Drop what was learnt, of one carrier or of all; how many sums."""
    return int(
        tx.exec_driver_sql(
            "DELETE FROM lessons WHERE :carrier IS NULL OR carrier = :carrier", {"carrier": carrier}
        ).rowcount
    )


def price(tx: Connection, account: str) -> tuple[Price, int, int] | None:
    """An account's price, and the backlog and the calls made when it was found; None where there is none yet."""
    row = tx.exec_driver_sql(
        "SELECT state, backlog, calls FROM prices WHERE account = :account", {"account": account}
    ).first()
    if row is None:
        return None
    state = orjson.loads(row[0])
    return Price(**{**state, "shape": tuple(state["shape"])}), row[1], row[2]


def keep_price(tx: Connection, account: str, price: Price, backlog: int, calls: int) -> None:
    """Keep an account's price, over the one before."""
    tx.exec_driver_sql(
        "INSERT INTO prices (account, state, backlog, calls) VALUES (:account, :state, :backlog, :calls)"
        " ON CONFLICT (account) DO UPDATE SET state = :state, backlog = :backlog, calls = :calls",
        {"account": account, "state": orjson.dumps(price._asdict()).decode(), "backlog": backlog, "calls": calls},
    )
