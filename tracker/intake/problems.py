"""What is wrong with a file, in words for the person who has to mend it.

Never holds a value of a personal field: those are not read at all, and of the others a type error shows the
kind of value, not the value.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

#: Problems that are told one by one; further ones are only counted.
SHOWN = 50

_KINDS = {dict: "an object", list: "a list", str: "a text", bool: "true or false", int: "a number", float: "a number"}


class Problem(NamedTuple):
    """One thing that is wrong: where, what, and what was expected there."""

    file: str
    place: str
    """A JSON path such as `orders[3].fulfillments[0].fulfillmentStatus`, or a line and column; '' for the whole."""
    wrong: str
    expected: str

    def __str__(self) -> str:
        """One line for the terminal."""
        return f"{self.file}: {self.place + ': ' if self.place else ''}{self.wrong}; expected {self.expected}"


class BadInput(Exception):
    """A file that cannot be taken, with all its problems; nothing of it is kept."""

    def __init__(self, problems: list[Problem]) -> None:
        """`problems`: all of them; the first 50 are kept, all are counted."""
        self.problems = problems[:SHOWN]
        self.count = len(problems)
        hidden = self.count - len(self.problems)
        lines = [str(problem) for problem in self.problems] + ([f"and {hidden} more problems"] if hidden else [])
        super().__init__("\n".join(lines))


def shown(value: str) -> str:
    """A harmless value, short and on one line."""
    return repr(value) if len(value) <= 50 else f"{value[:50]!r}…"


def refuse(wrong: str, expected: str) -> PydanticCustomError:
    """What a validator raises."""
    return PydanticCustomError("refused", "{wrong}; expected {expected}", {"wrong": wrong, "expected": expected})


def kind(value: object) -> str:
    """What sort of JSON value this is."""
    return "null" if value is None else _KINDS.get(type(value), "of another type")


def of_validation(error: ValidationError, file: str, at: Mapping[str, str] | str) -> list[Problem]:
    """pydantic's errors as problems. `at`: path of the object, or the place of each of its fields."""
    return [
        Problem(file, _place(item["loc"], at), *_words(item))
        for item in error.errors(include_url=False, include_input=True)
    ]


def _place(location: tuple[int | str, ...], at: Mapping[str, str] | str) -> str:
    if not isinstance(at, str):
        return at.get(str(location[0]) if location else "", at[""])
    place = at
    for step in location:
        if isinstance(step, int):
            place += f"[{step}]"
        else:
            place += f".{step}" if place and not place.endswith(": ") else step
    return place.removesuffix(": ")


def _words(item: Any) -> tuple[str, str]:
    context: Mapping[str, Any] = item.get("ctx", {})
    if item["type"] == "refused":
        return context["wrong"], context["expected"]
    if item["type"] == "missing":
        return "is missing", "a value: the field is required"
    if item["type"] == "finite_number":
        return "is not a finite number", "a number"
    expected = str(item["msg"]).removeprefix("Input should be ").removeprefix("a valid ")
    words = {"string": "a text", "list": "a list", "integer": "a whole number", "number": "a number"}
    if item["type"] in ("model_type", "dict_type", "model_attributes_type"):
        expected = "an object"
    return f"is {kind(item['input'])}", words.get(expected, expected)
