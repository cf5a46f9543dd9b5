"""A YAML file -> a Carrier: the one reader that serves all of them.

Builds the request a file describes, and finds an answer's fields by its dotted paths. The file's format is
`carriers.sdk.carrier_file`'s. Knows no particular carrier, no network and no clock.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from carriers.sdk.carrier import Carrier, CarrierOptions
from carriers.sdk.carrier_file import Answer, CarrierFile, ErrorFields, Path_, read_carrier_file
from carriers.sdk.codes import normalise
from carriers.sdk.errors import BadPayload, CarrierError, NumberError
from carriers.sdk.events import Event, Place, Report, Shipment, Summary
from carriers.sdk.exchange import Call, Reply, segment
from carriers.sdk.numbers import TrackingNumber, tracking_number
from carriers.sdk.reading import text
from carriers.sdk.unchanged import Items
from carriers.sdk.zones import country_code, end_of_day, instant


def _items(answer: Answer) -> Items | None:
    """The list of parcels, where there is one that names each parcel's number in one place."""
    if answer.format == "json" and len(answer.parcels) == 1 and answer.number and len(answer.number[0]) == 1:
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
        return cls(read_carrier_file(path), options)

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
        answer = self._decoded(reply)
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
            answer = self._decoded(reply)
        except BadPayload as unreadable:  # a gateway's 404 page would turn every parcel unknown
            return unreadable if reply.status == 404 else reply.failure()
        standard = reply.failure(_said(answer, self._file.answer.message)[:300])
        own = _error(answer, self._file.answer.fault)
        tells_little = own is not None and isinstance(standard, BadPayload)
        return _of_all(own, reply) if own is not None and tells_little else standard

    def _decoded(self, reply: Reply) -> Any:
        return reply.json() if self._file.answer.format == "json" else reply.xml()

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
            stated = " ".join(filter(None, (_said(event, where.date), _said(event, where.time))))
            at_home = self._home and place._replace(country=place.country or self._home.country)
            when = instant(stated + _said(event, where.offset), at_home or place, self._home)
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
