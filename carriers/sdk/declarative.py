"""A YAML file -> a Carrier, for JSON APIs that need no code: a request with the numbers in it, an answer
whose fields are found by dotted paths, and code tables.

Owns the file's format, its checks (every message names file, place and what was expected) and the one reader
that serves all such files. Knows no particular carrier, no network and no clock.

    info:       the fields of `Info`; auth is `oauth2: {...}`, `api_key: {...}` or `basic: {}`
    request:    method, path, query, headers, body; `{number}` is the number, `{numbers}` all of them with `join`
                between; in a body, a list of one item with `{number}` in it is repeated for each number
    answer:     where things are: `a.b` walks objects and every list on the way; of a list of paths, the first
                that leads to something counts
    codes:      the columns of `Codes`; a list for codes with blanks in them
    texts:      rules for carriers whose codes can't tell, each giving a `code` that `codes` maps
    family:     a sign; a code the table lacks is looked up by what stands before it (`NOTDEL.X` by `NOTDEL`)
    home:       country whose zone naive times without a known place are read in
"""

import re
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import orjson
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
from carriers.sdk.carrier import ApiKey, Basic, Carrier, CarrierOptions, Info, OAuth2
from carriers.sdk.codes import Codes, TextRule, normalise
from carriers.sdk.errors import BadPayload, CarrierError, NumberError
from carriers.sdk.events import Event, Place, Report, Shipment, Summary
from carriers.sdk.exchange import Call, Reply, segment
from carriers.sdk.numbers import TrackingNumber, tracking_number
from carriers.sdk.reading import text
from carriers.sdk.unchanged import Items
from carriers.sdk.zones import country_code, end_of_day, instant

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
    kinds = {kind.name: kind for kind in (OAuth2, ApiKey, Basic)}
    if not isinstance(value, dict) or len(value) != 1 or (name := next(iter(value))) not in kinds:
        raise ValueError(f"expected one of {', '.join(kinds)} with its fields below it")
    try:
        return kinds[name](**(value[name] or {}))
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
    time: Paths
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


def _items(answer: Answer) -> Items | None:
    """The list of parcels, where there is one that names each parcel's number in one place."""
    if len(answer.parcels) == 1 and answer.number and len(answer.number[0]) == 1:
        return Items(answer.parcels[0], answer.number[0][0])
    return None


class DeclarativeCarrier(Carrier):
    """A carrier read from a YAML file."""

    def __init__(self, file: CarrierFile, options: CarrierOptions | None = None) -> None:
        """`file`: as `load` reads and checks it."""
        super().__init__(options)
        self.info = file.info
        self.codes = file.table()
        self.items = _items(file.answer)
        self._file = file
        self._home = Place(country=file.home) if file.home else None

    @classmethod
    def load(cls, path: Path, options: CarrierOptions | None = None) -> "DeclarativeCarrier":
        """Read a file. Raises CarrierFileError, a line for each fault: file, place, what was expected."""
        try:
            document = yaml.load(path.read_text(encoding="utf-8"), Loader=_NoDuplicates)  # noqa: S506 - a SafeLoader
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise CarrierFileError(f"{path}: {error}") from None
        try:
            return cls(CarrierFile.model_validate(document), options)
        except ValidationError as error:
            raise CarrierFileError("\n".join(_faults(path, error))) from None

    @property
    def read_by(self) -> str:
        """The whole file, and the options."""
        return repr((self._file, self.options))

    def call(self, numbers: Sequence[TrackingNumber]) -> Call:
        """The file's request with the numbers in it."""
        request = self._file.request
        path = _filled(request.path, [segment(number) for number in numbers], request.join)
        query = {name: _filled(value, numbers, request.join) for name, value in request.query.items()}
        headers = dict(request.headers)
        body = None
        if request.body is not None:
            headers = {"Content-Type": "application/json", **headers}
            body = orjson.dumps(_filled_body(request.body, numbers, request.join))
        return Call(tuple(numbers), request.method, path, query, headers, body)

    def parse(self, reply: Reply) -> Iterable[Report]:
        """A Report for each number the answer speaks of; one with both events and an error keeps its events."""
        where = self._file.answer
        if (failure := self._failure(reply)) is not None:
            raise failure
        answer = reply.json()
        if (fault := _error(answer, where.fault)) is not None:
            raise _of_all(fault, reply)
        reached = next(filter(None, (_reach(answer, path) for path in where.parcels)), None)
        if reached is None or not all(isinstance(item, dict | list) for item in reached):
            raise BadPayload(f"no {' or '.join('.'.join(path) for path in where.parcels)} in the answer")
        shipments: dict[TrackingNumber, list[Shipment]] = {}
        problems: dict[TrackingNumber, CarrierError] = {}
        for parcel in _opened(reached):
            number = self._number(parcel, reply.numbers)
            if number is None:
                continue
            found = shipments.setdefault(number, [])
            shipment = self._shipment(parcel)
            if shipment.events or shipment.summary:
                found.append(shipment)
            else:
                problems.setdefault(number, _error(parcel, where.error) or BadPayload("neither events nor a status"))
        for number, found in shipments.items():
            yield Report(number, tuple(found)) if found else Report(number, error=problems[number])

    def _failure(self, reply: Reply) -> CarrierError | None:
        """The error of an answer other than 2xx: the HTTP status', or where that tells little, the carrier's own."""
        if reply.failure() is None:
            return None
        try:
            answer = reply.json()
        except BadPayload as unreadable:  # a gateway's 404 page would turn every parcel unknown
            return unreadable if reply.status == 404 else reply.failure()
        standard = reply.failure(_said(answer, self._file.answer.message)[:300])
        own = _error(answer, self._file.answer.fault)
        tells_little = own is not None and isinstance(standard, BadPayload)
        return _of_all(own, reply) if own is not None and tells_little else standard

    def _number(self, parcel: object, asked: Sequence[TrackingNumber]) -> TrackingNumber | None:
        """The number a parcel is about: one of those asked if it names one, else the first it names."""
        if self.info.batch == 1 and len(asked) == 1:
            return asked[0]
        named = []
        for path in self._file.answer.number:
            for value in _opened(_reach(parcel, path)):
                try:
                    named.append(tracking_number(text(value)))
                except ValueError:
                    continue
        first = named[0] if named else (asked[0] if len(asked) == 1 else None)
        return next((number for number in named if number in asked), first)

    def _shipment(self, parcel: object) -> Shipment:
        where = self._file.answer
        events = list(self._events(parcel))
        if where.order == "oldest_first":
            events.reverse()
        summary = _said(parcel, where.summary)
        destination = Place(country=country_code(_said(parcel, where.destination_country)))
        return Shipment(
            events=tuple(events),
            summary=Summary(summary, self.codes.meaning(summary), _said(parcel, where.summary_description))
            if summary
            else None,
            estimated_delivery=self._promise(_said(parcel, where.estimated_delivery), destination),
            id=_said(parcel, where.shipment_id),
            signed_by=_said(parcel, where.signed_by) or None,
        )

    def _events(self, parcel: object) -> Iterator[Event]:
        """The events in the answer's order; one without a readable time or any code is left out."""
        where = self._file.answer.event
        listed = (_opened(_reach(parcel, path)) for path in self._file.answer.events)
        for event in next(filter(None, map(list, listed)), []):
            city, state = _said(event, where.city), _said(event, where.state)
            place = Place(city, state, _said(event, where.postal_code), country_code(_said(event, where.country)))
            when = instant(_said(event, where.time), place, self._home)
            description = _said(event, where.description)
            code = self._code(_said(event, where.code), description)
            if when is not None and code:
                known = place if any(place) else None
                yield Event(*when, code, self.codes.meaning(code), description, known)

    def _code(self, code: str, description: str) -> str:
        """The table's key for an event: by a text rule, as it stands, or by its family."""
        unknown = self.codes.meaning(code) is None
        for rule, compiled in self._file.rules:
            concerned = normalise(code) == normalise(rule.refines) if rule.refines else unknown
            if concerned and compiled.matches(description):
                return rule.code
        if unknown and self._file.family:
            head, sign, _ = code.partition(self._file.family)
            if sign and self.codes.meaning(head) is not None:
                return head
        return code

    def _promise(self, stated: str, destination: Place) -> datetime | None:
        """The instant of a promise; a bare date or a midnight is the last minute of that day."""
        when = instant(stated, destination, self._home)
        if when is None:
            return None
        moment = when[0]
        return moment if moment.hour or moment.minute else end_of_day(moment.date(), destination, self._home)


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


def _filled(template: str, numbers: Sequence[str], join: str) -> str:
    return template.replace("{numbers}", join.join(numbers)).replace("{number}", numbers[0])


def _filled_body(template: Any, numbers: Sequence[str], join: str) -> Any:
    """A body's template with the numbers in it; a list of one item with `{number}` repeats it for each."""
    if isinstance(template, str):
        return _filled(template, numbers, join)
    if isinstance(template, dict):
        return {key: _filled_body(value, numbers, join) for key, value in template.items()}
    if isinstance(template, list):
        if len(template) == 1 and "{number}" in str(template):
            return [_filled_body(template[0], [number], join) for number in numbers]
        return [_filled_body(value, numbers, join) for value in template]
    return template


def _reach(value: object, path: Path_) -> list[object]:
    """What stands at a path; every list on the way is opened, one at its end is not."""
    found = [value]
    for key in path:
        found = [item[key] for item in _opened(found) if isinstance(item, dict) and key in item]
    return found


def _opened(found: Iterable[object]) -> Iterator[Any]:
    for value in found:
        if isinstance(value, list):
            yield from value
        else:
            yield value


def _said(value: object, paths: Iterable[Path_]) -> str:
    """The first text that one of the paths leads to, or ''."""
    for path in paths:
        if said := text(value, *path):
            return said
        for found in _opened(_reach(value, path)):
            if said := text(found):
                return said
    return ""


def _error(value: object, where: ErrorFields | None) -> CarrierError | None:
    """The carrier's own error at this place, if there is one."""
    if where is None or not (code := _said(value, where.code)):
        return None
    message = f"{code}: {_said(value, where.message)}"[:300].strip(": ")
    return where.by_code.get(normalise(code), BadPayload)(message)


def _of_all(error: CarrierError, reply: Reply) -> CarrierError:
    """An error of the whole answer; a number's error says nothing where several numbers were asked."""
    return BadPayload(error.message) if isinstance(error, NumberError) and len(reply.numbers) > 1 else error
