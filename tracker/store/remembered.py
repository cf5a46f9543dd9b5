"""What the daemon has to know of its last run."""

from sqlalchemy import Connection


def value(tx: Connection, name: str) -> str | None:
    """What was kept under a name, or None."""
    found: str | None = tx.exec_driver_sql("SELECT value FROM remembered WHERE name = :name", {"name": name}).scalar()
    return found


def keep(tx: Connection, name: str, value: str) -> None:
    """Keep a value under a name, over what was kept before."""
    tx.exec_driver_sql(
        "INSERT INTO remembered (name, value) VALUES (:name, :value) ON CONFLICT (name) DO UPDATE SET value = :value",
        {"name": name, "value": value},
    )
