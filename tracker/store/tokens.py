"""Tokens of the HTTP API: made, looked up, listed, revoked.

Owns how a token looks and what is kept of it: its hash, and the prefix it is found by. A token has 256 random
bits, so a plain hash is enough; it is compared in constant time. Knows no HTTP.
"""

import hmac
import secrets
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple

from sqlalchemy import Connection

from tracker.models import Role
from tracker.store.times import instant, stored

#: What every token begins with, so that scanners for leaked secrets can know it.
MARK = "ftk"


class NameTaken(Exception):
    """There is a token of that name."""


class Token(NamedTuple):
    """What is known of a token."""

    name: str
    role: Role
    prefix: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None

    def is_expired(self, now: datetime) -> bool:
        """Whether its time is over."""
        return self.expires_at is not None and self.expires_at <= now


_COLUMNS = "name, role, prefix, created_at, expires_at, last_used_at"


def add(tx: Connection, name: str, role: Role, expires_at: datetime | None, now: datetime) -> str:
    """Make a token and return it: the only time it is to be had. Raises NameTaken."""
    if tx.exec_driver_sql("SELECT 1 FROM tokens WHERE name = :name", {"name": name}).first():
        raise NameTaken(name)
    prefix = secrets.token_hex(6)
    token = f"{MARK}_{prefix}_{secrets.token_urlsafe(32)}"
    tx.exec_driver_sql(
        "INSERT INTO tokens (name, role, prefix, hash, created_at, expires_at)"
        " VALUES (:name, :role, :prefix, :hash, :now, :expires_at)",
        {
            "name": name,
            "role": role.value,
            "prefix": prefix,
            "hash": _hash(token),
            "now": stored(now),
            "expires_at": stored(expires_at),
        },
    )
    return token


def find(tx: Connection, token: str, now: datetime) -> Token | None:
    """The token that was presented, if it is one of ours and not expired."""
    mark, _, rest = token.partition("_")
    prefix = rest.partition("_")[0]
    if mark != MARK:
        return None
    row = tx.exec_driver_sql(f"SELECT {_COLUMNS}, hash FROM tokens WHERE prefix = :prefix", {"prefix": prefix}).first()
    if row is None or not hmac.compare_digest(row.hash, _hash(token)):
        return None
    found = _token(row)
    return None if found.is_expired(now) else found


def any_there(tx: Connection) -> bool:
    """Whether there is any token, expired or not."""
    return bool(tx.exec_driver_sql("SELECT EXISTS (SELECT 1 FROM tokens)").scalar())


def listed(tx: Connection) -> list[Token]:
    """Every token, the oldest first."""
    return [_token(row) for row in tx.exec_driver_sql(f"SELECT {_COLUMNS} FROM tokens ORDER BY id")]


def revoke(tx: Connection, name: str) -> bool:
    """Forget a token: it opens nothing any more. Whether there was one."""
    return bool(tx.exec_driver_sql("DELETE FROM tokens WHERE name = :name", {"name": name}).rowcount)


def used(tx: Connection, prefix: str, now: datetime) -> None:
    """Note that a token was used."""
    tx.exec_driver_sql(
        "UPDATE tokens SET last_used_at = :now WHERE prefix = :prefix", {"prefix": prefix, "now": stored(now)}
    )


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()


def _token(row: Any) -> Token:
    created_at = instant(row.created_at)
    assert created_at is not None, "the column is NOT NULL"  # noqa: S101 - tells the type checker
    return Token(row.name, Role(row.role), row.prefix, created_at, instant(row.expires_at), instant(row.last_used_at))
