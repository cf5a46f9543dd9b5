"""Answers that were read before, told from new ones: by the fingerprint, number by number."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import carriers
from carriers.sdk import (
    ApiKey,
    BadPayload,
    Call,
    Carrier,
    Codes,
    Event,
    Info,
    NotFound,
    Reply,
    Report,
    Shipment,
    TrackingNumber,
    ZoneSource,
    record,
    records,
    text,
)
from carriers.sdk.carrier import Items, ReadBefore, read
from carriers.sdk.declarative import DeclarativeCarrier
from carriers.sdk.errors import Unavailable
from carriers.sdk.registry import known_carriers
from carriers.sdk.unchanged import sift

RULES = b"tables of today"
ITEMS = Items(("out", "parcels"), "number")
Contents = list[dict[str, Any]]


class Listing(Carrier):
    """A carrier that answers {"out": {"parcels": [{"number", "at", "code"}, …]}}, and counts what it reads."""

    info = Info(
        code="listing",
        name="Listing",
        docs="https://listing.example",
        auth=ApiKey("Key"),
        production="https://listing.example",
        sandbox=None,
        tracking_page="https://listing.example/{number}",
        batch=10,
    )
    codes = Codes(IN_TRANSIT="T", DELIVERED="D")
    items: Items | None = ITEMS

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        """Numbers whose items were read, in the answer's order."""

    def call(self, numbers: Sequence[TrackingNumber]) -> Call:
        return Call.post_json(numbers, "/track", list(numbers))

    def parse(self, reply: Reply) -> Iterable[Report]:
        if failure := reply.failure():
            raise failure
        answer = reply.json()
        if "out" not in answer:
            raise BadPayload("no out")
        shipments: dict[str, list[Shipment]] = {}
        for item in records(record(answer, "out"), "parcels"):
            number = text(item, "number")
            self.seen.append(number)
            at, code = datetime.fromisoformat(text(item, "at")), text(item, "code")
            event = Event(at, ZoneSource.GIVEN, code, self.codes.meaning(code))
            shipments.setdefault(number, []).append(Shipment((event,)))
        return [Report(TrackingNumber(number), tuple(found)) for number, found in shipments.items()]


def item(number: str, code: str = "T", **more: object) -> dict[str, Any]:
    return {"number": number, "at": "2026-03-02T12:00:00+00:00", "code": code, **more}


def reply(numbers: Iterable[str], listed: Contents, status: int = 200, **wrapping: object) -> Reply:
    body = json.dumps({**wrapping, "out": {"parcels": listed}}).encode()
    return Reply(tuple(map(TrackingNumber, numbers)), status, body)


def before(reports: Iterable[Report], rules: bytes = RULES) -> ReadBefore:
    return ReadBefore(rules, {report.number: report.fingerprint for report in reports})


NOTHING = ReadBefore(RULES, {})


def unchanged(reports: Iterable[Report]) -> set[str]:
    return {report.number for report in reports if report.unchanged}


def test_the_first_reading_reads_all_and_gives_each_a_fingerprint() -> None:
    reports = read(Listing(), reply("AB", [item("A"), item("B")]), NOTHING)

    assert [report.shipments[0].events[0].code for report in reports] == ["T", "T"]
    assert unchanged(reports) == set()
    assert all(report.fingerprint for report in reports)
    assert reports[0].fingerprint != reports[1].fingerprint


def test_of_a_batch_only_the_item_that_changed_is_read() -> None:
    carrier = Listing()
    first = read(carrier, reply("ABC", [item("A"), item("B"), item("C")]), NOTHING)
    carrier.seen.clear()

    second = read(carrier, reply("ABC", [item("A"), item("B", "D"), item("C")]), before(first))

    assert carrier.seen == ["B"]
    assert unchanged(second) == {"A", "C"}
    assert second[1].shipments[0].events[0].code == "D"
    assert second[1].fingerprint != first[1].fingerprint
    assert [second[0].fingerprint, second[2].fingerprint] == [first[0].fingerprint, first[2].fingerprint]
    assert second[0].shipments == ()


def test_an_answer_all_known_is_not_even_decoded() -> None:
    carrier = Listing()
    answer = reply("AB", [item("A"), item("B")])
    first = read(carrier, answer, NOTHING)
    carrier.seen.clear()

    second = read(carrier, answer, before(first))

    assert (unchanged(second), carrier.seen) == ({"A", "B"}, [])
    assert [report.error for report in second] == [None, None]


def test_what_stands_around_the_items_does_not_make_them_new() -> None:
    listed = [item("A"), item("B")]
    first = read(Listing(), reply("AB", listed, transactionId="1"), NOTHING)

    assert unchanged(read(Listing(), reply("BA", listed[::-1], transactionId="2"), before(first))) == {"A", "B"}


def test_under_other_rules_nothing_is_unchanged() -> None:
    answer = reply("AB", [item("A"), item("B")])
    first = read(Listing(), answer, NOTHING)

    second = read(Listing(), answer, before(first, b"tables of tomorrow"))

    assert unchanged(second) == set()
    assert all(report.shipments for report in second)
    assert {report.fingerprint for report in first}.isdisjoint(report.fingerprint for report in second)


def test_a_number_listed_twice_is_unchanged_only_if_both_items_are() -> None:
    two = [item("A"), item("B"), item("A", "D")]
    first = read(Listing(), reply("AB", two), NOTHING)
    assert len(first[0].shipments) == 2

    assert unchanged(read(Listing(), reply("AB", two), before(first))) == {"A", "B"}
    for other in (
        [item("A"), item("B"), item("A", "T")],
        [item("A", "D"), item("B"), item("A", "D")],
        [item("A"), item("B")],
        [item("A"), item("B"), item("A", "D"), item("A", "D")],
    ):
        carrier = Listing()
        second = read(carrier, reply("AB", other), before(first))
        assert unchanged(second) == {"B"}
        assert len(second[0].shipments) == len(other) - 1, "all items of a number are read, not the new one alone"
        assert "B" not in carrier.seen


def test_a_number_the_answer_leaves_out_is_not_found_though_the_others_are_unchanged() -> None:
    first = read(Listing(), reply("ABC", [item("A"), item("B"), item("C")]), NOTHING)

    second = read(Listing(), reply("ABC", [item("A"), item("C")]), before(first))

    assert unchanged(second) == {"A", "C"}
    assert isinstance(second[1].error, NotFound)
    assert (second[1].fingerprint, second[1].unchanged) == ("", False)


def test_an_item_the_answer_volunteers_is_reported_to_nobody() -> None:
    answer = reply("AB", [item("A"), item("Z"), item("B")])
    first = read(Listing(), answer, NOTHING)

    assert [report.number for report in first] == ["A", "B"]
    assert [report.number for report in read(Listing(), answer, before(first))] == ["A", "B"]


@pytest.mark.parametrize(
    "spoilt",
    [
        {"at": "2026-03-02T12:00:00+00:00", "code": "T"},
        item("B") | {"number": None},
        item("B") | {"number": 7},
        7,
        None,
        ["B"],
    ],
    ids=["none", "null", "a number", "no object", "nothing", "a list"],
)
def test_an_answer_with_an_item_that_names_no_number_is_read_whole(spoilt: Any) -> None:
    first = read(Listing(), reply("AB", [item("A"), item("B")]), NOTHING)
    answer = reply("AB", [item("A"), spoilt])

    sifted = sift(answer, ITEMS, before(first))

    assert (sifted.fingerprints, set(sifted.unchanged), sifted.rest) == ({}, set(), answer)


@pytest.mark.parametrize("numbers", ["A", "AB"])
@pytest.mark.parametrize("status", [301, 400, 404, 429, 500, 503])
def test_an_answer_that_is_an_error_is_never_known(numbers: str, status: int) -> None:
    listed = [item(number) for number in numbers]
    first = read(Listing(), reply(numbers, listed), NOTHING)
    refusal = reply(numbers, listed, status)

    assert sift(refusal, ITEMS, before(first)) == ({}, set(), refusal)


def test_an_outage_is_raised_whatever_was_read_before() -> None:
    listed = [item("A"), item("B")]
    first = read(Listing(), reply("AB", listed), NOTHING)

    with pytest.raises(Unavailable):
        read(Listing(), reply("AB", listed, 503), before(first))


@pytest.mark.parametrize(
    "body",
    [
        b"<!DOCTYPE html><html><body>Back soon</body></html>",
        b"",
        b"{}",
        b"null",
        b"[]",
        b'{"out": null}',
        b'{"out": {"parcels": {"A": {"number": "A"}}}}',
        b'{"parcels": [{"number": "A"}, {"number": "B"}]}',
        json.dumps({"out": {"parcels": [item("A"), item("B")]}}).encode()[:-4],
        json.dumps({"out": {"parcels": [item("A"), item("B")]}}).encode() + b"}",
        b'{"out": {"parcels": [{"number": "\xff"}]}}',
        b'{"out": {"parcels": [{"number": "\\ud800"}]}}',
        b'{"out": {"parcels": [{"number": "A", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}]}}",
    ],
    ids=lambda body: repr(body[:30]),
)
def test_what_does_not_look_like_an_answer_to_a_batch_is_left_as_it_is(body: bytes) -> None:
    first = read(Listing(), reply("AB", [item("A"), item("B")]), NOTHING)
    answer = Reply((TrackingNumber("A"), TrackingNumber("B")), 200, body)

    sifted = sift(answer, ITEMS, before(first))

    assert (sifted.fingerprints, set(sifted.unchanged), sifted.rest) == ({}, set(), answer)
    assert sifted.rest.decoded is None, "who reads it is to find out for himself that it is broken"


@pytest.mark.parametrize("value", [b'"\xff"', b"1e999"])
def test_an_item_that_is_no_json_after_all_is_the_readers_to_refuse(value: bytes) -> None:
    good = reply("AB", [item("A"), item("B")])
    first = read(Listing(), good, NOTHING)
    at = good.body.rindex(b'"T"')
    broken = Reply(good.numbers, 200, good.body[:at] + value + good.body[at + 3 :])

    with pytest.raises(BadPayload):
        read(Listing(), broken, before(first))


def test_a_page_of_html_is_bad_every_time_and_leaves_no_fingerprint_to_know_it_by() -> None:
    page = Reply((TrackingNumber("A"),), 200, b"<html>Back soon</html>")
    for _ in range(2):
        with pytest.raises(BadPayload):
            read(Listing(), page, NOTHING)


class Single(Listing):
    """The same carrier without a list that is known."""

    items = None


def test_without_items_a_batch_is_always_read_and_a_single_answer_known_by_all_of_it() -> None:
    batch = reply("AB", [item("A"), item("B")])
    first = read(Single(), batch, NOTHING)
    assert [report.fingerprint for report in first] == ["", ""]
    assert unchanged(read(Single(), batch, before(first))) == set()

    alone = reply("A", [item("A")])
    first = read(Single(), alone, NOTHING)
    assert unchanged(read(Single(), alone, before(first))) == {"A"}
    assert unchanged(read(Single(), reply("A", [item("A")], transactionId="2"), before(first))) == set()


def test_a_number_asked_alone_is_known_from_its_batch_and_the_other_way_round() -> None:
    batch, alone = reply("AB", [item("A"), item("B")], transactionId="1"), reply("A", [item("A")], transactionId="2")
    from_batch, from_alone = read(Listing(), batch, NOTHING), read(Listing(), alone, NOTHING)

    assert unchanged(read(Listing(), alone, before(from_batch))) == {"A"}
    assert unchanged(read(Listing(), batch, before(from_alone))) == {"A"}


@pytest.mark.parametrize("listed", [[], [item("A"), item("Z")], [item("Z")]])
def test_a_single_answer_that_names_other_numbers_is_known_by_all_of_it(listed: Contents) -> None:
    alone = reply("A", listed)
    first = sift(alone, ITEMS, NOTHING).fingerprints

    assert set(first) == {"A"}
    again = sift(reply("A", [*listed, item("Y")]), ITEMS, ReadBefore(RULES, {TrackingNumber("A"): first["A"]}))
    assert set(again.unchanged) == set()


def test_an_empty_fingerprint_fits_nothing() -> None:
    answer = reply("AB", [item("A")])

    reports = read(Listing(), answer, ReadBefore(RULES, dict.fromkeys(answer.numbers, "")))

    assert unchanged(reports) == set()
    assert isinstance(reports[1].error, NotFound)


def test_where_nobody_knows_what_was_asked_everything_is_read() -> None:
    listed = [item("A"), item("B")]
    first = read(Listing(), reply("AB", listed), NOTHING)

    reports = read(Listing(), reply("", listed), before(first))

    assert [(report.number, report.unchanged) for report in reports] == [("A", False), ("B", False)]
    assert all(report.shipments for report in reports)


def test_a_list_that_is_the_whole_answer() -> None:
    items = Items((), "n")
    body = b'[{"n": "A", "x": 1},  {"n":"B"}]'
    answer = Reply((TrackingNumber("A"), TrackingNumber("B"), TrackingNumber("C")), 200, body)
    first = sift(answer, items, NOTHING).fingerprints

    sifted = sift(answer, items, ReadBefore(RULES, {TrackingNumber("B"): first["B"]}))

    assert sifted.rest.json() == [{"n": "A", "x": 1}]
    assert sifted.rest.numbers == ("A", "C")


NUMBERS = [f"N{index}" for index in range(8)]
BATCHES = st.lists(st.sampled_from(NUMBERS), min_size=2, unique=True).flatmap(
    lambda asked: st.tuples(
        st.just(asked),
        st.lists(st.tuples(st.sampled_from(asked), st.text(max_size=5)), max_size=12),  # its items, some twice
        st.sets(st.sampled_from(asked)),  # those that change
        st.randoms(use_true_random=False),
    )
)


@given(BATCHES)
def test_exactly_the_changed_ones_are_read_whatever_the_batch(
    drawn: tuple[list[str], list[tuple[str, str]], set[str], Any],
) -> None:
    asked, told, change, chance = drawn
    listed = [item(number, note=note) for number, note in told]
    first = read(Listing(), reply(asked, listed), NOTHING)
    later = [entry | {"code": "D"} if entry["number"] in change else entry for entry in listed]
    asked_later = chance.sample(asked, len(asked))
    carrier = Listing()

    second = read(carrier, reply(asked_later, later), before(first))

    named = {number for number, _ in told}
    assert [report.number for report in second] == asked_later
    assert unchanged(second) == named - change
    assert set(carrier.seen) == named & change
    whole = {report.number: report for report in read(Listing(), reply(asked_later, later))}
    for report in second:
        if not report.unchanged:
            assert report.shipments == whole[report.number].shipments
            assert repr(report.error) == repr(whole[report.number].error)


def test_fingerprints_are_for_the_numbers_asked_whatever_is_kept_beside_them() -> None:
    kept: Mapping[TrackingNumber, str] = {TrackingNumber("B"): "0" * 16, TrackingNumber("Z"): "1" * 16}

    assert unchanged(read(Listing(), reply("AB", [item("A"), item("B")]), ReadBefore(RULES, kept))) == set()


def test_a_carrier_is_read_by_its_table_and_its_options() -> None:
    class Renewed(Listing):
        codes = Codes(IN_TRANSIT="T", DELIVERED="D", DELAYED="L")

    dhl = known_carriers()["dhl"]
    german = dhl.create(dhl.options.model_validate({"language": "de"}))

    assert Listing().read_by == Listing().read_by
    assert Listing().read_by != Renewed().read_by
    assert dhl.create().read_by == dhl.create().read_by != german.read_by


def test_a_carrier_of_yaml_is_read_by_all_that_its_file_says(tmp_path: Path) -> None:
    file = Path(carriers.__file__).parent / "gls.yaml"
    source = file.read_text()
    read_by = DeclarativeCarrier.load(file).read_by

    def other(place: str, instead: str) -> str:
        assert place in source
        (tmp_path / "gls.yaml").write_text(source.replace(place, instead))
        return DeclarativeCarrier.load(tmp_path / "gls.yaml").read_by

    assert other("events: events", "events: events  # newest first") == read_by
    assert other("time: eventDateTime", "time: [eventDateTime, time]") != read_by
    assert other("NOTPICKEDUP", "NOTPICKEDUP AWAITED") != read_by
