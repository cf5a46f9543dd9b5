"""CSV -> Registrations: a header, and a row for each parcel or for each fulfillment.

Owns the columns' names and how rows of one fulfillment come together. Checks the cells with the same models
as JSON.
"""

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from pydantic import ValidationError

from carriers.sdk.status import FulfillmentStatus
from tracker.intake.payloads import (
    NamedFulfillmentJson,
    destination,
    given,
    parallel,
    split_numbers,
    split_urls,
)
from tracker.intake.problems import Problem, of_validation, shown
from tracker.intake.registrations import FulfillmentGiven, Registration
from tracker.routing import order_tags

REQUIRED = ("sourceOrderId", "sourceFulfillmentId", "trackingNumber", "trackingCompany")
OPTIONAL = ("fulfillmentStatus", "trackingUrl", "createdAt", "country", "state", "zip", "tags")

_NAMES = {name.lower(): name for name in REQUIRED + OPTIONAL}


@dataclass(frozen=True, slots=True)
class _Row:
    """A row that is fine by itself, with the line it ends on."""

    line: int
    order_id: str
    given: FulfillmentGiven
    address: Mapping[str, str]
    tags: frozenset[str] | None


def read_table(file: str, text: str) -> tuple[list[Registration], list[Problem]]:
    """The registrations of a CSV text and its problems. Commas, semicolons or tabs part the cells."""
    first = next(line for line in text.splitlines() if line.strip())
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header: list[str] = []
    problems: list[Problem] = []
    rows: list[_Row] = []
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if not header:
                header, problems = _header(file, cells)
                if problems:
                    return [], problems
                continue
            row = _row(file, reader.line_num, header, cells)
            if isinstance(row, _Row):
                rows.append(row)
            else:
                problems += row
    except csv.Error as error:
        problems.append(Problem(file, f"line {reader.line_num}", f"is not CSV: {error}", "cells in matching quotes"))
    if not rows and not problems:
        problems.append(Problem(file, "", "has a header and no rows", "a row for each fulfillment"))
    found = _together(file, rows, problems)
    return found, problems


def _header(file: str, cells: list[str]) -> tuple[list[str], list[Problem]]:
    """The columns by our names ('' for others), or what is missing."""
    columns = [_NAMES.get(re.sub(r"[^a-z]", "", cell.lower()), "") for cell in cells]
    problems = [
        Problem(file, f"line 1, column {name}", "is missing", f"a column {name}; found {_found(cells)}")
        for name in REQUIRED
        if name not in columns
    ]
    problems += [
        Problem(file, f"line 1, column {name}", f"is there {columns.count(name)} times", "one such column")
        for name in _NAMES.values()
        if columns.count(name) > 1
    ]
    return columns, problems


def _found(cells: list[str]) -> str:
    """The header as it is; not if it looks like a row of data, which may be a customer's."""
    names = [cell.strip() for cell in cells]
    if all(re.fullmatch(r"([A-Za-z][A-Za-z0-9_ .#-]{0,39})?", name) for name in names):
        return ", ".join(names)
    return f"{len(names)} cells that are no column names"


def _row(file: str, line: int, header: list[str], cells: list[str]) -> _Row | list[Problem]:
    if len(cells) != len(header):
        wrong = f"has {len(cells)} cells"
        return [Problem(file, f"line {line}", wrong, f"{len(header)}, as in the header")]
    cell = {name: text.strip() for name, text in zip(header, cells, strict=True) if name}
    fields: dict[str, object] = {
        name: cell[name] for name in ("sourceOrderId", "sourceFulfillmentId", "trackingCompany")
    }
    fields["trackingNumber"] = split_numbers(cell["trackingNumber"])
    fields["fulfillmentStatus"] = cell.get("fulfillmentStatus") or FulfillmentStatus.FULFILLED
    if cell.get("trackingUrl"):
        fields["trackingUrl"] = split_urls(cell["trackingUrl"])
    if cell.get("createdAt"):
        fields["createdAt"] = cell["createdAt"]
    try:
        checked = NamedFulfillmentJson.model_validate(fields)
    except ValidationError as error:
        places = {name: f"line {line}, column {name}" for name in header if name}
        return of_validation(error, file, places | {"": f"line {line}"})
    said = given(checked)
    if not cell.get("fulfillmentStatus"):
        said = replace(said, status=None)
    address = destination(cell.get("country", ""), cell.get("state", ""), cell.get("zip", ""))
    tags = order_tags(cell["tags"]) if cell.get("tags") else None
    return _Row(line, checked.source_order_id, said, address, tags)


def _together(file: str, rows: list[_Row], problems: list[Problem]) -> list[Registration]:
    """Rows of one fulfillment are its parcels; they must agree on company and status."""
    fulfillments: dict[tuple[str, str], _Row] = {}
    for row in rows:
        key = (row.order_id, row.given.source_fulfillment_id)
        earlier = fulfillments.get(key)
        if earlier is None:
            fulfillments[key] = row
            continue
        problems += _disagreements(file, earlier, row)
        fulfillments[key] = replace(
            row,
            given=_joined(earlier.given, row.given),
            address={**earlier.address, **row.address},
            tags=earlier.tags if row.tags is None else row.tags,
        )
    return [Registration(row.order_id, None, row.address, (row.given,), tags=row.tags) for row in fulfillments.values()]


def _disagreements(file: str, earlier: _Row, row: _Row) -> list[Problem]:
    pairs = {
        "trackingCompany": (earlier.given.payload["trackingCompany"], row.given.payload["trackingCompany"]),
        "fulfillmentStatus": (earlier.given.status, row.given.status),
    }
    return [
        Problem(
            file,
            f"line {row.line}, column {name}",
            f"is {shown(str(after))}, but {shown(str(before))} in line {earlier.line}",
            "the same in all rows of a fulfillment",
        )
        for name, (before, after) in pairs.items()
        if before and after and before != after
    ]


def _joined(earlier: FulfillmentGiven, row: FulfillmentGiven) -> FulfillmentGiven:
    payload = {**earlier.payload, **row.payload}
    payload["trackingCompany"] = row.payload["trackingCompany"] or earlier.payload["trackingCompany"]
    numbers: list[str] = []
    urls: list[str] = []
    for part in (earlier.payload, row.payload):
        own = part.get("trackingUrl", [])
        numbers += part["trackingNumber"]
        urls += own + [""] * (len(part["trackingNumber"]) - len(own))
    payload |= parallel(numbers, urls, "trackingUrl" in payload)
    if created := [part["createdAt"] for part in (earlier.payload, row.payload) if "createdAt" in part]:
        payload["createdAt"] = min(created)
    return replace(row, status=row.status or earlier.status, payload=payload)
