"""The notation that forms of tracking numbers are written in.

Owns its meaning and turns a form into a pattern. Knows no carrier.

| | |
|---|---|
| `d12` | twelve digits |
| `a2` | two letters |
| `x8` | eight letters or digits |
| `h20` | twenty hexadecimal digits |
| `m8` | eight letters or digits, some of each; at the end only |
| `d8-20` | eight to twenty |
| `[CD1-5]` | one of these |
| `1Z`, `GM\\|LX` | itself; one of these |
| `( )` | what the check digit is computed of, its own place included; everything where there are none |

Blanks mean nothing: `420 d5 (9[1-5] d20)`.
"""

import re
import string
from typing import NamedTuple

_TOKENS = re.compile(
    r"\s*(?:(?P<bracket>[()])"
    r"|(?P<kind>[adhxm])(?P<low>\d+)(?:-(?P<high>\d+))?"
    r"|\[(?P<among>[A-Z0-9-]+)\]"
    r"|(?P<literal>[A-Z0-9|]+))"
)
_KINDS = {"a": "[A-Z]", "d": "[0-9]", "h": "[0-9A-F]", "x": "[A-Z0-9]", "m": "[A-Z0-9]"}
_SOME_OF_EACH = "(?=[A-Z]*[0-9])(?=[0-9]*[A-Z])"


class Shape(NamedTuple):
    """A form as a pattern, with what tells at a glance that a number is not of it."""

    pattern: re.Pattern[str]
    checked: int
    """The group of the pattern that the check digit is computed of."""
    lengths: range
    first: frozenset[str]
    """The characters such a number begins with."""


def shape_of(form: str) -> Shape:
    """Read a form. Raises ValueError for one that is not of the notation."""
    pattern, shortest, longest, place = "", 0, 0, 0
    first: frozenset[str] | None = None
    while place < len(form):
        token = _TOKENS.match(form, place)
        if token is None:
            raise ValueError(f"{form!r} is no form: {form[place:]!r} means nothing")
        place = token.end()
        if bracket := token["bracket"]:
            pattern += bracket
            continue
        if literal := token["literal"]:
            low = high = len(literal.split("|")[0])
            starts = frozenset(word[0] for word in literal.split("|"))
            pattern += f"(?:{literal})"
        else:
            kind, low, high = token["kind"], int(token["low"] or 1), int(token["high"] or token["low"] or 1)
            chars = _KINDS[kind] if kind else f"[{token['among']}]"
            starts = frozenset(re.findall(chars, string.digits + string.ascii_uppercase))
            pattern += (_SOME_OF_EACH if kind == "m" else "") + f"{chars}{{{low},{high}}}"
        shortest, longest, first = shortest + low, longest + high, first or starts
    return Shape(re.compile(pattern), int("(" in form), range(shortest, longest + 1), first or frozenset())
