"""Recorded answers of a carrier, and what they come to: cases.yaml -> cases, a report -> one word.

Owns the format of cases.yaml and the plainest rule for the status of a report, good enough to say what a
recorded answer means. Knows no check and nothing of the tracker, whose timeline is finer than that rule.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter

from carriers.sdk.carrier import Carrier, read
from carriers.sdk.codes import Effect
from carriers.sdk.damage import as_xml
from carriers.sdk.errors import BadPayload, CarrierError
from carriers.sdk.events import Event, Report, Shipment
from carriers.sdk.exchange import Reply
from carriers.sdk.numbers import TrackingNumber
from carriers.sdk.registry import Factory
from carriers.sdk.status import RECEIVED, FulfillmentStatus


class Case(BaseModel):
    """One recorded answer and what it means."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reply: str
    """The payload's file, beside cases.yaml."""
    numbers: tuple[str, ...]
    """What was asked."""
    expect: dict[str, str | None]
    """For each number asked: a status, null, or the name of an error class."""
    http_status: int = 200
    headers: dict[str, str] = {}
    """Names in lower case."""
    options: dict[str, Any] = {}
    """The carrier's own Options for this case."""
    events: int | None = None
    """How many events the first number has."""
    unmapped: list[str] | None = None
    """Codes that no table knows, of all numbers."""
    estimated_delivery: datetime | None = None
    """Of the first number; quoted, ISO 8601 with an offset."""
    times: tuple[datetime, ...] | None = None
    """Of the first number's events, newest first; quoted, ISO 8601 with the offset at the event's place."""
    signed_by: str | None = None
    """Of the first number."""
    retry_after: float | None = None
    """Of the first number's error, in seconds."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A carrier under test with its recorded cases."""

    create: Factory
    carrier: Carrier
    folder: Path
    cases: Mapping[str, Case] = field(default_factory=dict)
    deciding: frozenset[str] = frozenset()
    """Names of the payload's fields that may change a status."""

    def carrier_for(self, case: Case) -> Carrier:
        """The carrier with the options the case was recorded with."""
        return self.create(type(self.carrier).Options(**case.options)) if case.options else self.carrier

    def reply(self, case: Case) -> Reply:
        """The recorded answer."""
        numbers = tuple(TrackingNumber(number) for number in case.numbers)
        return Reply(numbers, case.http_status, (self.folder / case.reply).read_bytes(), case.headers)

    def document(self, case: Case) -> Any:
        """The payload, JSON or XML, in JSON's shape; None for one that is meant to be something else."""
        reply = self.reply(case)
        try:
            return reply.xml() if _is_xml(reply) else reply.json()
        except BadPayload:
            return None

    def encoding(self, case: Case) -> Callable[[Any], bytes]:
        """What makes a payload of a document like this case's."""
        return as_xml if _is_xml(self.reply(case)) else orjson.dumps


def _is_xml(reply: Reply) -> bool:
    head = reply.body.lstrip(b"\xef\xbb\xbf \r\n\t")[:200].lower()
    return head.startswith(b"<") and b"<html" not in head and b"<!doctype html" not in head


def load(create: Factory, folder: Path) -> Subject:
    """The carrier with its cases. Raises OSError, yaml.YAMLError or ValueError, saying what is wrong."""
    document = yaml.safe_load((folder / "cases.yaml").read_text(encoding="utf-8"))
    if not isinstance(document, dict):
        raise ValueError("expected a mapping of case names to cases")
    deciding = TypeAdapter(frozenset[str]).validate_python(document.pop("deciding", []))
    cases = TypeAdapter(dict[str, Case]).validate_python(document)
    for name, case in cases.items():
        if not (folder / case.reply).is_file():
            raise ValueError(f"case {name}: there is no file {case.reply}")
        if not case.numbers or set(case.numbers) != set(case.expect):
            raise ValueError(f"case {name}: `expect` must name exactly the numbers asked, and at least one")
    return Subject(create, create(), folder, cases, deciding)


def answer(carrier: Carrier, reply: Reply) -> list[Report]:
    """`read`, with the trouble of a whole answer as every number's own."""
    try:
        return read(carrier, reply)
    except CarrierError as error:
        return [Report(number, error=error) for number in reply.numbers]


def outcomes(reports: Sequence[Report]) -> dict[str, str | None]:
    """For each number its status, None, or the name of its error's class."""
    return {report.number: outcome(report) for report in reports}


def outcome(report: Report) -> str | None:
    """A status, None, or the name of the error's class."""
    if report.error is not None:
        return type(report.error).__name__
    shipment = newest_shipment(report)
    return current_status(shipment) if shipment is not None else None


def newest_shipment(report: Report) -> Shipment | None:
    """The shipment with the newest ship date, else with the newest event."""

    def age(shipment: Shipment) -> tuple[str, float]:
        newest = max((event.occurred_at.timestamp() for event in shipment.events), default=0.0)
        return shipment.shipped_on.isoformat() if shipment.shipped_on else "", newest

    return max(report.shipments, key=age, default=None)


def current_status(shipment: Shipment) -> FulfillmentStatus | None:
    """A shipment's status by the plainest reading of its events, else by the carrier's summary."""
    status: FulfillmentStatus | None = None
    returning = False
    oldest_first = shipment.events[::-1]
    for event in sorted(oldest_first, key=lambda event: event.occurred_at):
        meaning = event.meaning if event.meaning is not None else event.coarse
        if meaning is None or meaning.status is None:
            continue
        returning = returning or meaning.effect is Effect.RETURN
        ends = meaning.status in RECEIVED or meaning.status is FulfillmentStatus.FAILURE
        if returning:
            status = FulfillmentStatus.FAILURE
        elif status not in RECEIVED or ends or meaning.effect is Effect.REOPEN:
            status = meaning.status
    if status is None and shipment.summary is not None and shipment.summary.meaning is not None:
        return shipment.summary.meaning.status
    return status


def all_events(reports: Sequence[Report]) -> Iterator[tuple[TrackingNumber, Event]]:
    """Every event with the number it belongs to."""
    for report in reports:
        for shipment in report.shipments:
            for event in shipment.events:
                yield report.number, event


def type_trouble(reports: Sequence[Report]) -> str | None:
    """What a report holds that its types forbid, or None. Raises OverflowError for times UTC can't tell."""
    for _, event in all_events(reports):
        if event.occurred_at.utcoffset() is None:
            return f"event {event.code!r}: {event.occurred_at} has no offset"
        event.occurred_at.astimezone(UTC)
        for text in (event.code, event.description, *(event.place or ())):
            if not isinstance(text, str):
                return f"event {event.code!r} holds {text!r} for a string"
    for report in reports:
        for shipment in report.shipments:
            estimated = shipment.estimated_delivery
            if estimated is not None and (estimated.utcoffset() is None or not estimated.astimezone(UTC)):
                return f"the estimated delivery {estimated} has no offset"
    return None
