"""Trouble on demand: what a sandbox service does wrong, as told through `/_sandbox/faults`.

Owns the vocabulary of faults and its checks. Knows no wire format.
"""

from dataclasses import dataclass, fields
from typing import Self


@dataclass(frozen=True, slots=True)
class Faults:
    """What is wrong with one service now; all off by default."""

    down: bool = False
    """Every call is answered 503."""
    slow: float = 0.0
    """Seconds of the wall's time before each answer."""
    error_rate: float = 0.0
    """Share of calls answered 500."""
    rate_limited: bool = False
    """Every call is answered 429."""
    not_found_all: bool = False
    """Every number is unknown."""
    expire_tokens: bool = False
    """Every token issued so far is expired, once."""
    html: bool = False
    """An HTML page with status 200, as a proxy in front would send it."""
    truncated: bool = False
    """Answers break off half-way."""

    @classmethod
    def read(cls, payload: object) -> Self:
        """Read `{"down": true, ...}`; what is left out is off. Raises ValueError for anything else."""
        if not isinstance(payload, dict):
            raise ValueError("faults of a service must be an object")
        kinds = {field.name: field.type for field in fields(cls)}
        for name, value in payload.items():
            if name not in kinds:
                raise ValueError(f"unknown fault {name!r}; expected one of {', '.join(kinds)}")
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if is_number != (kinds[name] is float) or (is_number and value < 0):
                raise ValueError(f"fault {name!r} can't be {value!r}")
        return cls(**payload)
