"""The format of a YAML file that describes a carrier, for JSON and XML APIs that need no code.

Owns what such a file may say and its checks: every message names file, place and what was expected. How an answer
is read by it is `carriers.sdk.declarative`'s.

    info:       the fields of `Info`; auth is `oauth2: {...}`, `api_key: {...}`, `basic: {}`,
                `in_request: {fields: [...]}` or `none: {}`
    request:    method, path, query, headers, body; `{number}` is the number, `{numbers}` all of them with `join`
                between; in a body, a list of one item with `{number}` in it is repeated for each number; `{{field}}` is
                a credential, with `in_request`
    answer:     where things are: `a.b` walks objects and every list on the way; of a list of paths, the first
                that leads to something counts
    codes:      the columns of `Codes`; a list for codes with blanks in them
    texts:      rules for carriers whose codes can't tell, each giving a `code` that `codes` maps
    family:     a sign; a code the table lacks is looked up by what stands before it (`NOTDEL.X` by `NOTDEL`)
    home:       country whose zone naive times without a known place are read in; a state without a country lies there
"""

import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationError,
    field_validator,
    model_validator,
)

from carriers.sdk import errors
from carriers.sdk.auth import ApiKey, Basic, InRequest, NoAuth, OAuth2
from carriers.sdk.carrier import Info
from carriers.sdk.codes import Codes, TextRule, normalise
from carriers.sdk.errors import CarrierError

Path_ = tuple[str, ...]


class CarrierFileError(ValueError):
    """The file does not describe a carrier; a line for each fault, with file, place and expectation."""


def _paths(value: object) -> tuple[Path_, ...]:
    """`a.b` or a list of such -> the steps of each path, in the order they are tried; '' is the thing itself."""
    paths: list[Any] = value if isinstance(value, list) else [value]
    if not paths or not all(isinstance(path, str) for path in paths):
        raise ValueError("expected a dotted path such as events.place.city, or a list of them")
    return tuple(tuple(path.split(".")) if path else () for path in paths)


def _code_list(value: object) -> tuple[str, ...]:
    """Codes separated by blanks, or a list of codes (with blanks inside, if they have any)."""
    if isinstance(value, str):
        lines = (line.partition("#")[0] for line in value.splitlines())
        return tuple(normalise(code) for line in lines for code in line.split())
    if isinstance(value, list) and all(isinstance(code, str) and code.strip() for code in value):
        return tuple(normalise(code) for code in value)
    raise ValueError("expected codes separated by blanks, or a list of codes; quote numbers and yes, no, on, off")


def _auth(value: object) -> object:
    kinds: dict[str, type[Any]] = {kind.name: kind for kind in (OAuth2, ApiKey, Basic, InRequest, NoAuth)}
    if not isinstance(value, dict) or len(value) != 1 or (name := next(iter(value))) not in kinds:
        raise ValueError(f"expected one of {', '.join(kinds)} with its fields below it")
    try:
        fields = value[name] or {}
        return kinds[name](**{key: tuple(field) if isinstance(field, list) else field for key, field in fields.items()})
    except TypeError as error:
        raise ValueError(f"auth.{name}: {str(error).partition(' ')[2]}") from None


def _table(columns: Mapping[str, Sequence[str]]) -> Codes:
    return Codes(**{name: " ".join(codes) for name, codes in columns.items()})


Paths = Annotated[tuple[Path_, ...], PlainValidator(_paths)]
CodeList = Annotated[tuple[str, ...], PlainValidator(_code_list)]
ErrorName = Literal["NotFound", "InvalidNumber", "AmbiguousShipment", "AuthFailed", "RateLimited", "Unavailable"]


class Part(BaseModel):
    """A mapping of the file; refuses keys it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, value: object) -> object:
        if isinstance(value, dict) and (unknown := [str(key) for key in value if key not in cls.model_fields]):
            raise ValueError(f"unknown key {', '.join(unknown)}; expected some of {', '.join(cls.model_fields)}")
        return value


class Request(Part):
    """How to ask."""

    method: Literal["GET", "POST"] = "GET"
    path: str
    join: str = ","
    query: dict[str, str] = {}
    headers: dict[str, str] = {}
    body: Any = None

    @model_validator(mode="after")
    def _asks_for_numbers(self) -> Self:
        if not self.path.startswith("/"):
            raise ValueError("path must start with '/'; the base URLs belong into info")
        if "{number" not in f"{self.path} {self.query} {self.body}":
            raise ValueError("neither {number} nor {numbers} stands in path, query or body")
        return self


class EventFields(Part):
    """Where an event's fields are, seen from the event."""

    code: Paths
    date: Paths = ()
    """Where the day stands, if not in `time`."""
    time: Paths
    offset: Paths = ()
    """Where the offset from UTC stands, if not in `time`."""
    description: Paths = ()
    city: Paths = ()
    state: Paths = ()
    postal_code: Paths = ()
    country: Paths = ()


class ErrorFields(Part):
    """Where a carrier's own error stands, and which of its codes is which error; others are BadPayload."""

    code: Paths
    message: Paths = ()
    types: dict[ErrorName, CodeList]

    @cached_property
    def by_code(self) -> Mapping[str, type[CarrierError]]:
        """The error's class for each of the carrier's codes."""
        return {code: getattr(errors, name) for name, codes in self.types.items() for code in codes}


class Answer(Part):
    """Where things are in an answer. Paths from `number` to `signed_by` are seen from the parcel."""

    format: Literal["json", "xml"] = "json"
    parcels: Paths = ((),)
    """The list of parcels, seen from the top; the answer itself where it is about one."""
    error: ErrorFields | None = None
    """The error of one parcel, inside a 200."""
    fault: ErrorFields | None = None
    """The error of the whole answer, seen from the top."""
    message: Paths = ()
    """The carrier's words where the HTTP status says that it failed, seen from the top."""
    number: Paths = ()
    events: Paths
    event: EventFields
    order: Literal["newest_first", "oldest_first"] = "newest_first"
    summary: Paths = ()
    summary_description: Paths = ()
    estimated_delivery: Paths = ()
    destination_country: Paths = ()
    shipment_id: Paths = ()
    signed_by: Paths = ()


class Text(Part):
    """A rule that turns an event's description into a code; `refines` names the only code it looks at."""

    code: str
    language: str
    pattern: str
    sentence: str
    refines: str = ""

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"no regular expression: {error}") from None
        return value


class CarrierFile(Part):
    """The whole file."""

    info: Info
    request: Request
    answer: Answer
    codes: Annotated[dict[str, CodeList], Field(min_length=1)]
    texts: tuple[Text, ...] = ()
    family: str = ""
    home: Annotated[str, Field(pattern=r"^([A-Z]{2})?$")] = ""

    @field_validator("info", mode="before")
    @classmethod
    def _tagged_auth(cls, value: object) -> object:
        return {**value, "auth": _auth(value.get("auth"))} if isinstance(value, dict) else value

    @field_validator("codes")
    @classmethod
    def _one_meaning_each(cls, value: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        _table(value)
        return value

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        single = "{number}" in f"{self.request.path} {self.request.query}"
        if single and self.info.batch > 1:
            raise ValueError(f"request asks for one {{number}}, but info.batch is {self.info.batch}: use {{numbers}}")
        if self.info.batch > 1 and not self.answer.number:
            raise ValueError("answer.number is missing, and info.batch is above 1")
        for rule in self.texts:
            if self.column(rule.code) is None:
                raise ValueError(f"texts gives the code {rule.code!r}, which codes does not map")
        self.rules  # noqa: B018 - a rule that does not match its own sentence is refused here
        return self

    def column(self, code: str) -> str | None:
        """The column of `codes` that holds the code."""
        return next((name for name, codes in self.codes.items() if normalise(code) in codes), None)

    def table(self) -> Codes:
        """The code table."""
        return _table(self.codes)

    @cached_property
    def rules(self) -> tuple[tuple[Text, TextRule], ...]:
        """Each text with its compiled rule, in the order they are tried."""
        return tuple(
            (rule, TextRule(rule.language, self.column(rule.code) or "", rule.pattern, rule.sentence))
            for rule in self.texts
        )


def read_carrier_file(path: Path) -> CarrierFile:
    """Read and check a file. Raises CarrierFileError, a line for each fault: file, place, what was expected."""
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=_NoDuplicates)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CarrierFileError(f"{path}: {error}") from None
    try:
        return CarrierFile.model_validate(document)
    except ValidationError as error:
        raise CarrierFileError("\n".join(_faults(path, error))) from None


class _NoDuplicates(yaml.SafeLoader):
    """YAML lets a later key replace an earlier one in silence; here that is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            name = str(key.value)
            if name in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key {name!r} stands twice", key.start_mark)
            seen.add(name)
        return super().construct_mapping(node, deep)


def _faults(path: Path, error: ValidationError) -> Iterator[str]:
    """Each fault as file, place, what was expected."""
    for fault in error.errors(include_url=False):
        place = ".".join(str(step) for step in fault["loc"]) or "top"
        message = fault["msg"].removeprefix("Value error, ")
        if fault["type"] in ("missing", "missing_argument"):
            message = "missing"
        elif fault["type"] == "unexpected_keyword_argument":
            message = "unknown key"
        elif fault["type"] == "string_type":
            message = f"expected a string, got {fault['input']!r}; quote it"
        yield f"{path}: {place}: {message}"
