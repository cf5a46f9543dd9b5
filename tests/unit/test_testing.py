"""The contract itself: a carrier that is right passes, and each way of being wrong is caught by name."""

import json
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import yaml

from carriers.sdk import (
    AccountError,
    ApiKey,
    BadPayload,
    Call,
    Carrier,
    Codes,
    Event,
    Info,
    Meaning,
    NotFound,
    Place,
    Reply,
    Report,
    Shipment,
    TrackingNumber,
    ZoneSource,
    instant,
    records,
    text,
    tracking_number,
)
from carriers.sdk.carrier import Items
from carriers.sdk.damage import damages, items_about, shuffled
from carriers.sdk.recorded import current_status
from carriers.sdk.testing import contract

PARCELS: dict[str, Any] = {
    "delivered": ("DELIVERED", [("D", "05"), ("O", "04"), ("T", "03")]),
    "in_transit": ("IN_TRANSIT", [("T", "03"), ("N", "02")]),
    "out_for_delivery": ("OUT_FOR_DELIVERY", [("O", "04"), ("T", "03")]),
    "exception": ("DELAYED", [("L", "04"), ("T", "03")]),
    "returned": ("FAILURE", [("D", "06"), ("R", "05"), ("T", "03")]),
}


class Snail(Carrier):
    """A carrier as it should be: two numbers a call, JSON, offsets on all times."""

    info = Info(
        code="snail",
        name="Snail Post",
        docs="https://snail.example/docs",
        auth=ApiKey("X-Key"),
        production="https://api.snail.example",
        sandbox=None,
        tracking_page="https://snail.example/track/{number}",
        batch=2,
    )
    codes = Codes(
        IN_TRANSIT="T",
        OUT_FOR_DELIVERY="O",
        DELIVERED="D",
        DELAYED="L",
        RETURNING="R",
        INFORMATIONAL="N",
    )
    items: Items | None = Items(("parcels",), "number")

    def call(self, numbers: Sequence[TrackingNumber]) -> Call:
        return Call.post_json(numbers, "/track", {"numbers": list(numbers)})

    def parse(self, reply: Reply) -> Iterable[Report]:
        if failure := reply.failure():
            raise failure
        answer = reply.json()
        if not isinstance(answer, dict):
            raise BadPayload("not an object")
        return self.reports(answer)

    def reports(self, answer: dict[str, Any]) -> Iterator[Report]:
        for parcel in records(answer, "parcels"):
            try:
                number = tracking_number(text(parcel, "number"))
            except ValueError:
                continue
            scans = records(parcel, "scans")
            events = tuple(event for scan in scans if (event := self.event(scan, scans)))
            yield Report(number, (Shipment(events, signed_by=text(parcel, "signedBy") or None),))

    def event(self, scan: dict[str, Any], scans: list[dict[str, Any]]) -> Event | None:
        moment, code = instant(text(scan, "at")), text(scan, "code")
        place = Place(text(scan, "city"), country="DE")
        return Event(*moment, code, self.codes.meaning(code), text(scan, "text"), place) if moment else None


def record_cases(folder: Path) -> None:
    """Recorded answers of Snail Post, all that the contract requires."""
    cases: dict[str, Any] = {"deciding": ["parcels", "number", "scans", "at", "code"]}
    for index, (name, (status, scans)) in enumerate(PARCELS.items()):
        number = f"SNAIL{index:04d}"
        parcel = {
            "number": number,
            "signedBy": "A. Nyström",
            "scans": [
                {"at": f"2026-05-{day}T10:00:00+02:00", "code": code, "text": "Scanned", "city": "Kiel", "note": "x"}
                for code, day in scans
            ],
        }
        (folder / f"{name}.json").write_text(json.dumps({"parcels": [parcel]}))
        cases[name] = {"reply": f"{name}.json", "numbers": [number], "expect": {number: status}}
    both = [json.loads((folder / f"{name}.json").read_text())["parcels"][0] for name in ("delivered", "in_transit")]
    (folder / "two.json").write_text(json.dumps({"parcels": both}))
    numbers = {parcel["number"]: status for parcel, status in zip(both, ("DELIVERED", "IN_TRANSIT"), strict=True)}
    cases["two"] = {"reply": "two.json", "numbers": list(numbers), "expect": numbers}
    cases["clock"] = cases["delivered"] | {"times": [f"2026-05-{day}T10:00:00+02:00" for day in ("05", "04", "03")]}
    for name, http_status, error in (
        ("not_found", 200, "NotFound"),
        ("bad_credentials", 401, "AuthFailed"),
        ("throttled", 429, "RateLimited"),
    ):
        (folder / f"{name}.json").write_text('{"parcels": []}')
        cases[name] = {
            "reply": f"{name}.json",
            "http_status": http_status,
            "numbers": ["SNAIL0009"],
            "expect": {"SNAIL0009": error},
        }
    (folder / "cases.yaml").write_text(yaml.safe_dump(cases))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    record_cases(tmp_path)
    return tmp_path


def failures(create: Callable[..., Carrier], folder: Path) -> dict[str, str]:
    """Names of the checks that fail, with what they say."""
    failed = {}
    for check in contract(create, folder):
        try:
            check()
        except AssertionError as error:
            failed[str(check)] = str(error)
    return failed


def test_a_carrier_that_is_right_passes(folder: Path) -> None:
    assert failures(Snail, folder) == {}


def test_checks_are_named_by_carrier_case_and_check(folder: Path) -> None:
    names = [str(check) for check in contract(Snail, folder)]

    assert "snail-delivered-any damage" in names
    assert "snail-calls" in names
    assert len(names) == len(set(names))


class PlainHttp(Snail):
    info = Info("snail", "Snail", "http://snail.example", ApiKey("X"), "https://a.example", None, "https://b/{number}")


class UselessTable(Snail):
    codes = Codes(IN_TRANSIT="T")


class RawPath(Snail):
    def call(self, numbers: Sequence[TrackingNumber]) -> Call:
        return Call.get(numbers, f"/track/{','.join(numbers)}")


class ForgetsTheSecond(Snail):
    def call(self, numbers: Sequence[TrackingNumber]) -> Call:
        return Call.post_json(numbers, "/track", {"numbers": list(numbers[:1])})


class CountsItsCalls(Snail):
    made = 0

    def call(self, numbers: Sequence[TrackingNumber]) -> Call:
        self.made += 1
        return Call.post_json(numbers, "/track", {"numbers": list(numbers), "id": self.made})


class SwallowsErrors(Snail):
    def parse(self, reply: Reply) -> Iterable[Report]:
        try:
            return list(super().parse(reply))
        except AccountError as error:
            raise NotFound("nothing there") from error


class ForgetsRetryAfter(Snail):
    def parse(self, reply: Reply) -> Iterable[Report]:
        return super().parse(Reply(reply.numbers, reply.status, reply.body))


class ReadsOutages(Snail):
    def parse(self, reply: Reply) -> Iterable[Report]:
        return super().parse(Reply(reply.numbers, 200, reply.body) if reply.status == 503 else reply)


class TrustsThePayload(Snail):
    def reports(self, answer: dict[str, Any]) -> Iterator[Report]:
        for parcel in answer["parcels"]:
            yield Report(parcel["number"], (Shipment(tuple(filter(None, map(self.scan, parcel["scans"])))),))

    def scan(self, scan: dict[str, Any]) -> Event | None:
        return self.event(scan, [])


class LosesTheBatch(Snail):
    def reports(self, answer: dict[str, Any]) -> Iterator[Report]:
        if not all(text(scan, "at") for parcel in records(answer, "parcels") for scan in records(parcel, "scans")):
            raise BadPayload("a scan without a time")
        return super().reports(answer)


class DecidesByNote(Snail):
    def event(self, scan: dict[str, Any], scans: list[dict[str, Any]]) -> Event | None:
        return super().event(scan, scans) if scan.get("note") else None


class NumbersItsEvents(Snail):
    def event(self, scan: dict[str, Any], scans: list[dict[str, Any]]) -> Event | None:
        event = super().event(scan, scans)
        return event._replace(place=Place(f"{scans.index(scan)}", country="DE")) if event else None


class AnswersForAnyone(Snail):
    def parse(self, reply: Reply) -> Iterable[Report]:
        found = list(super().parse(reply))
        return [Report(number, found[0].shipments) for number in reply.numbers] if found else []


class LosesTheZone(Snail):
    def event(self, scan: dict[str, Any], scans: list[dict[str, Any]]) -> Event | None:
        event = super().event(scan, scans)
        return event._replace(occurred_at=event.occurred_at.replace(tzinfo=None)) if event else None


class TakesTheMachinesZone(Snail):
    def event(self, scan: dict[str, Any], scans: list[dict[str, Any]]) -> Event | None:
        event = super().event(scan, scans)
        here = event.occurred_at.replace(tzinfo=None).astimezone() if event else None
        return event._replace(occurred_at=here) if event and here else None


class LooksAtTheClock(Snail):
    def reports(self, answer: dict[str, Any]) -> Iterator[Report]:
        for report in super().reports(answer):
            age = datetime.now(UTC) - datetime(2026, 1, 1, tzinfo=UTC)
            yield report if age < timedelta(days=1500) else Report(report.number)


class KeepsAnotherTable(Snail):
    def event(self, scan: dict[str, Any], scans: list[dict[str, Any]]) -> Event | None:
        event = super().event(scan, scans)
        return event._replace(code=f"SCAN {event.code}") if event else None


class NamesTheSigner(Snail):
    def reports(self, answer: dict[str, Any]) -> Iterator[Report]:
        for report in super().reports(answer):
            shipment = report.shipments[0]
            events = tuple(event._replace(description=f"for {shipment.signed_by}") for event in shipment.events)
            yield Report(report.number, (Shipment(events, signed_by=shipment.signed_by),))


class WritesCountriesOut(Snail):
    def event(self, scan: dict[str, Any], scans: list[dict[str, Any]]) -> Event | None:
        event = super().event(scan, scans)
        return event._replace(place=Place("Kiel", country="Germany")) if event else None


class ListsNoNumbers(Snail):
    items = Items(("parcels",), "signedBy")


class CountsItsParcels(Snail):
    def reports(self, answer: dict[str, Any]) -> Iterator[Report]:
        for report in super().reports(answer):
            yield Report(
                report.number, tuple(replace(s, id=f"1 of {len(answer['parcels'])}") for s in report.shipments)
            )


class KeepsToTheBody(Snail):
    def parse(self, reply: Reply) -> Iterable[Report]:
        return super().parse(Reply((), reply.status, reply.body, reply.headers))


class MissesReturns(Snail):
    codes = Codes(IN_TRANSIT="T R", OUT_FOR_DELIVERY="O", DELIVERED="D", DELAYED="L", INFORMATIONAL="N")


@pytest.mark.parametrize(
    ("broken", "check"),
    [
        (PlainHttp, "describes itself"),
        (UselessTable, "table is clean"),
        (RawPath, "calls"),
        (ForgetsTheSecond, "calls"),
        (CountsItsCalls, "calls"),
        (SwallowsErrors, "troubles"),
        (ForgetsRetryAfter, "troubles"),
        (ReadsOutages, "troubles"),
        (TrustsThePayload, "any damage"),
        (LosesTheBatch, "any damage"),
        (DecidesByNote, "any damage"),
        (NumbersItsEvents, "any order"),
        (AnswersForAnyone, "one report each"),
        (LosesTheZone, "events well formed"),
        (TakesTheMachinesZone, "another clock and zone"),
        (LooksAtTheClock, "another clock and zone"),
        (KeepsAnotherTable, "events well formed"),
        (NamesTheSigner, "events well formed"),
        (WritesCountriesOut, "events well formed"),
        (MissesReturns, "as expected"),
        (ListsNoNumbers, "items are found"),
        (CountsItsParcels, "only news is read"),
    ],
)
def test_a_carrier_that_is_wrong_is_caught(broken: Callable[..., Carrier], check: str, folder: Path) -> None:
    assert check in {name.rpartition("-")[2] for name in failures(broken, folder)}


def test_a_carrier_may_read_more_than_it_is_given(folder: Path) -> None:
    assert failures(KeepsToTheBody, folder) == {}


def test_a_carrier_may_do_without_a_list_of_items(folder: Path) -> None:
    class Unlisted(Snail):
        items = None

    assert failures(Unlisted, folder) == {}


def test_a_missing_case_is_named(folder: Path) -> None:
    cases = yaml.safe_load((folder / "cases.yaml").read_text())
    del cases["returned"]
    (folder / "cases.yaml").write_text(yaml.safe_dump(cases))

    assert "lacks the case returned" in failures(Snail, folder)["snail-required cases"]


def test_a_case_must_expect_what_its_name_says(folder: Path) -> None:
    cases = yaml.safe_load((folder / "cases.yaml").read_text())
    cases["returned"] = cases["delivered"]
    (folder / "cases.yaml").write_text(yaml.safe_dump(cases))

    assert "case returned expects" in failures(Snail, folder)["snail-required cases"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "No such file"),
        ("- a list", "expected a mapping"),
        ("delivered: {reply: delivered.json, numbers: [A1], expect: {A1: DELIVERED}, evnts: 3}", "evnts"),
        ("delivered: {reply: gone.json, numbers: [A1], expect: {A1: DELIVERED}}", "no file gone.json"),
        ("delivered: {reply: delivered.json, numbers: [A1], expect: {B1: DELIVERED}}", "exactly the numbers asked"),
        ("delivered: {reply: delivered.json, numbers: [12], expect: {12: DELIVERED}}", "valid string"),
    ],
)
def test_a_wrong_cases_file_is_one_failing_check(folder: Path, content: str | None, told: str) -> None:
    (folder / "cases.yaml").unlink()
    if content is not None:
        (folder / "cases.yaml").write_text(content)

    failed = failures(Snail, folder)

    assert list(failed) == ["snail-cases can be read"]
    assert told in failed["snail-cases can be read"]


def event(hour: int, meaning: str | None, coarse: str | None = None) -> Event:
    known = Codes(IN_TRANSIT="T", OUT_FOR_DELIVERY="O", DELIVERED="D", RETURNING="R", INFORMATIONAL="N", CORRECTED="C")

    def look_up(code: str | None) -> Meaning | None:
        return known.meaning(code) if code else None

    at = datetime(2026, 5, 3, hour, tzinfo=timezone(timedelta(hours=2)))
    return Event(at, ZoneSource.GIVEN, meaning or "?", look_up(meaning), coarse=look_up(coarse))


@pytest.mark.parametrize(
    ("codes", "status"),
    [
        ("", None),
        ("N", None),
        ("T", "IN_TRANSIT"),
        ("TO", "OUT_FOR_DELIVERY"),
        ("TON", "OUT_FOR_DELIVERY"),
        ("TDO", "DELIVERED"),
        ("TDC", "DELAYED"),
        ("TDCO", "OUT_FOR_DELIVERY"),
        ("TRD", "FAILURE"),
        ("TDR", "FAILURE"),
    ],
)
def test_the_status_of_events_oldest_first(codes: str, status: str | None) -> None:
    events = tuple(event(hour, code) for hour, code in enumerate(codes))

    assert current_status(Shipment(events[::-1])) == status
    assert current_status(Shipment(events)) == status, "the order they are listed in must not matter"


def test_the_coarse_field_stands_in_for_an_unknown_code_alone() -> None:
    assert current_status(Shipment((event(2, None, coarse="D"), event(1, "T")))) == "DELIVERED"
    assert current_status(Shipment((event(2, "T", coarse="D"), event(1, "T")))) == "IN_TRANSIT"


def test_damages_leave_the_document_as_it_was() -> None:
    document = {"a": [{"b": 1}, {"b": None}], "c": "x"}
    before = json.dumps(document)

    labels = [f"{damage.path} {damage.how}" for damage in damages(document)]

    assert json.loads(before) == document
    assert ".a[1].b deleted" in " ".join(labels)
    assert len(labels) == len(set(labels))


def test_items_about_a_number_are_found_wherever_they_are() -> None:
    document = {"results": [{"id": "A", "legs": [{"of": "A"}]}, {"id": "B"}, {"id": "C"}], "asked": ["A", "B"]}

    assert items_about(document, ["A", "B"]) == {
        "[0].results[0]": "A",
        "[0].results[1]": "B",
        "[0].asked[0]": "A",
        "[0].asked[1]": "B",
    }


def test_a_shuffle_keeps_every_item() -> None:
    came = shuffled({"a": list(range(20))}, random.Random(1))  # noqa: S311

    assert sorted(came["a"]) == list(range(20))
    assert came["a"] != list(range(20))
