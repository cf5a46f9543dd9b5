"""A file's bytes -> Registrations: finds out whether it is JSON, JSON lines or CSV.

Pure. Every problem of a file is collected before it is refused as a whole.
"""

import re
from typing import Any

import orjson

from tracker.intake import table
from tracker.intake.payloads import registration
from tracker.intake.problems import BadInput, Problem, kind
from tracker.intake.registrations import Registration, merged

_JSON_SUFFIXES = (".json", ".jsonl", ".ndjson")
_EXPECTED = "orders or fulfillments as JSON (an object, a list, or one object a line), or CSV with a header"


def read_file(name: str, data: bytes) -> list[Registration]:
    """What a file says, one Registration for each order. Raises BadInput with all that is wrong with it.

    `name` is what problems call the file; a suffix .json, .jsonl or .ndjson decides for JSON, else the first
    character does.
    """
    text = _decoded(name, data)
    if not text.strip():
        raise BadInput([Problem(name, "", "is empty", _EXPECTED)])
    if text.lstrip()[0] in "{[" or name.lower().endswith(_JSON_SUFFIXES):
        found, problems = _json(name, text)
    else:
        found, problems = table.read_table(name, text)
    if problems:
        raise BadInput(problems)
    return merged(found)


def _decoded(name: str, data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise BadInput([Problem(name, "", "is UTF-16", "a text file in UTF-8")])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = f"byte {error.start}, line {data.count(10, 0, error.start) + 1}"
        raise BadInput([Problem(name, place, "is not UTF-8", "a text file in UTF-8")]) from None
    if "\0" in text:
        raise BadInput(
            [Problem(name, f"line {text.count(chr(10), 0, text.index(chr(0))) + 1}", "is binary", _EXPECTED)]
        )
    return text


def _json(name: str, text: str) -> tuple[list[Registration], list[Problem]]:
    try:
        return _document(name, orjson.loads(text))
    except orjson.JSONDecodeError as error:
        lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
        if len(lines) < 2 or not _is_object(lines[0][1]):
            place = f"line {error.lineno}, column {error.colno}"
            return [], [Problem(name, place, f"is not JSON: {_reason(error)}", _EXPECTED)]
    return _lines(name, lines)


def _is_object(line: str) -> bool:
    try:
        return isinstance(orjson.loads(line), dict)
    except orjson.JSONDecodeError:
        return False


def _reason(error: orjson.JSONDecodeError) -> str:
    """orjson's words without its own place."""
    return re.sub(r":? ?(at )?line \d+ column \d+.*", "", str(error), flags=re.DOTALL).strip() or "cut short"


def _lines(name: str, lines: list[tuple[int, str]]) -> tuple[list[Registration], list[Problem]]:
    found: list[Registration] = []
    problems: list[Problem] = []
    for number, line in lines:
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            place = f"line {number}, column {error.colno}"
            problems.append(Problem(name, place, f"is not JSON: {_reason(error)}", "one object a line"))
            continue
        _take(value, name, f"line {number}: ", found, problems)
    return found, problems


def _document(name: str, value: Any) -> tuple[list[Registration], list[Problem]]:
    found: list[Registration] = []
    problems: list[Problem] = []
    if isinstance(value, list):
        for index, item in enumerate(value):
            _take(item, name, f"[{index}]", found, problems)
        if not value:
            problems.append(Problem(name, "", "is an empty list", _EXPECTED))
    else:
        _take(value, name, "", found, problems)
    return found, problems


def _take(value: Any, name: str, place: str, found: list[Registration], problems: list[Problem]) -> None:
    """One top-level value: an order, a fulfillment, or a wrapper of many, orders before fulfillments."""
    if not isinstance(value, dict):
        problems.append(Problem(name, place.removesuffix(": "), f"is {kind(value)}", "an object"))
        return
    wrapped = [key for key in ("orders", "fulfillments") if key in value]
    if not wrapped or "sourceOrderId" in value:
        taken = registration(value, name, place)
        if isinstance(taken, Registration):
            found.append(taken)
        else:
            problems += taken
        return
    for key in wrapped:
        path = f"{place}.{key}" if place and not place.endswith(": ") else f"{place}{key}"
        if not isinstance(value[key], list):
            problems.append(Problem(name, path, f"is {kind(value[key])}", "a list"))
            continue
        for index, item in enumerate(value[key]):
            _take(item, name, f"{path}[{index}]", found, problems)
