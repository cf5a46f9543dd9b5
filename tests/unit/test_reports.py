"""Figures, services and the picture, from journeys made by hand."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import pytest

from tracker import reports
from tracker.durations import read_moment
from tracker.reports import By, Journey, service_of

SINCE, UNTIL = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)


def journey(**facts: Any) -> Journey:
    usual = {
        "carrier": "ups",
        "service": "Ground",
        "origin": "TX, US",
        "destination": "NY, US",
        "ended_on": date(2026, 3, 5),
        "delivered": True,
        "days": 3.0,
        "on_time": True,
        **dict.fromkeys(("attempted", "delayed", "on_hold", "failed", "returned"), False),
    }
    return Journey(**{**usual, **facts})


def made(journeys: list[Journey], *by: By, **options: Any) -> reports.Report:
    return reports.report(journeys, by, since=SINCE, until=UNTIL, **options)


def test_median_and_percentile_are_days_that_were_reached() -> None:
    total = made([journey(days=float(days)) for days in range(1, 11)]).total
    assert (total.transit_parcels, total.transit_median_days, total.transit_p90_days) == (10, 5.5, 9.0)


@pytest.mark.parametrize(("parcels", "told"), [(4, False), (5, True)])
def test_few_parcels_have_a_count_and_no_percentile(parcels: int, told: bool) -> None:
    total = made([journey()] * parcels).total
    assert total.transit_parcels == parcels
    assert (total.transit_median_days is not None, total.transit_p90_days is not None) == (told, told)


def test_a_rate_says_of_what() -> None:
    total = made(
        [
            journey(on_time=True),
            journey(on_time=False, attempted=True, delayed=True),
            journey(on_time=None),
            journey(delivered=False, days=None, on_time=None, failed=True, returned=True, on_hold=True, attempted=True),
        ]
    ).total
    assert (total.parcels, total.delivered) == (4, 3)
    assert (total.on_time_parcels, total.on_time_rate) == (2, 0.5)
    assert total.first_attempt_rate == 0.6667, "of the delivered ones"
    assert (total.delayed_rate, total.on_hold_rate, total.failure_rate, total.returned_rate) == (0.25,) * 4


def test_nothing_has_no_rates() -> None:
    total = made([]).total
    assert (total.parcels, total.on_time_rate, total.failure_rate, total.first_attempt_rate) == (0, None, None, None)


def test_a_service_belongs_to_its_carrier() -> None:
    report = made([journey(), journey(), journey(carrier="fedex"), journey(carrier="fedex", service="")], By.SERVICE)
    assert [(row.key, row.figures.parcels) for row in report.rows] == [
        ({"carrier": "ups", "service": "Ground"}, 2),
        ({"carrier": "fedex", "service": ""}, 1),
        ({"carrier": "fedex", "service": "Ground"}, 1),
    ]
    assert [row.label for row in report.rows] == ["ups Ground", "fedex", "fedex Ground"]


def test_lanes_and_periods_together_with_the_periods_in_their_order() -> None:
    days = [date(2026, 3, 5), date(2026, 1, 1), date(2026, 1, 1)]
    report = made([journey(ended_on=day) for day in days] + [journey(destination="")], By.WEEK, By.LANE)
    assert reports.columns(report.by) == ("week", "origin", "destination")
    assert [(row.key["week"], row.label, row.figures.parcels) for row in report.rows] == [
        ("2026-W01", "2026-W01 TX, US → NY, US", 2),
        ("2026-W10", "2026-W10 TX, US → unknown", 1),
        ("2026-W10", "2026-W10 TX, US → NY, US", 1),
    ]


def test_the_shape_for_json() -> None:
    shape = reports.shape(made([journey()], By.CARRIER, carrier="ups", under_way=7))
    (row,) = shape.pop("rows")
    total = shape.pop("total")
    assert shape == {
        "since": "2026-03-01T00:00:00+00:00",
        "until": "2026-04-01T00:00:00+00:00",
        "carrier": "ups",
        "by": ["carrier"],
        "underWay": 7,
    }
    assert row == {"carrier": "ups", **total}
    assert list(total) == [
        *("parcels", "delivered", "transitParcels", "transitMedianDays", "transitP90Days", "onTimeParcels"),
        *("onTimeRate", "firstAttemptRate", "delayedRate", "onHoldRate", "failureRate", "returnedRate"),
    ]


@pytest.mark.parametrize(
    ("carrier", "company", "number", "service"),
    [
        ("ups", "UPS", "1Z999AA10123456784", "Next Day Air"),
        ("ups", "UPS Ground", "1Z999AA10223456784", "2nd Day Air"),
        ("ups", "UPS® Mail Innovations", "92419900000033499522966220", "Mail Innovations"),
        ("fedex", "FedEx Express Saver", "794600000017", "Express Saver"),
        ("fedex", "fedex-2day", "794600000017", "2Day"),
        ("fedex", "FedEx", "794600000017", ""),
        ("fedex", "Groundhog Logistics", "794600000017", ""),
        ("usps", "USPS", "9205500000000000000000", "Priority Mail"),
        ("usps", "USPS", "420787269270100000000000000000", "Priority Mail Express"),
        ("usps", "USPS Ground Advantage", "9400100000000000000000", "Ground Advantage"),
        ("royal_mail", "", "RB123456785GB", "Registered"),
        ("royal_mail", "Tracked 24", "AB123456785GB", "Tracked 24"),
    ],
)
def test_services(carrier: str, company: str, number: str, service: str) -> None:
    assert service_of(carrier, company, number) == service


# the picture


def drawn(report: reports.Report, **options: Any) -> ElementTree.Element:
    return ElementTree.fromstring(reports.chart(report, **options))  # noqa: S314 - our own


def words(picture: ElementTree.Element) -> list[str]:
    return [element.text or "" for element in picture.iter() if element.tag.endswith(("}text", "}title", "}desc"))]


def test_the_picture_is_told_in_words_too() -> None:
    picture = drawn(made([journey(service="<b>&")] * 6, By.SERVICE))
    assert picture.get("role") == "img"
    ids = {element.get("id") for element in picture.iter()}
    assert set((picture.get("aria-labelledby") or "").split()) <= ids
    text = " ".join(words(picture))
    assert "ups <b>&: 6 parcels, median 3.0 days, 90th percentile 3.0 days, on time 100 % of 6." in text
    assert "Parcels that ended 2026-03-01 to 2026-04-01, by service" in text


def test_the_picture_brings_its_colours_or_leaves_them_to_the_page() -> None:
    report = made([journey()] * 6, By.CARRIER)
    assert "prefers-color-scheme:dark" in reports.chart(report)
    bare = reports.chart(report, style=False)
    assert "<style" not in bare
    assert "style=" not in bare
    assert "http" not in bare.replace("http://www.w3.org/2000/svg", "")


def test_the_picture_is_honest_about_few_about_none_and_about_too_many() -> None:
    assert "too few to tell (2)" in words(drawn(made([journey()] * 2, By.CARRIER)))
    assert "nothing promised" in words(drawn(made([journey(on_time=None)] * 6, By.CARRIER)))
    assert "No parcel ended in this time." in words(drawn(made([], By.CARRIER)))
    many = made([journey(origin=f"{index:02}, US") for index in range(30)], By.ORIGIN)
    assert "and 6 more" in words(drawn(many))


def test_of_many_periods_the_picture_has_the_latest() -> None:
    days = [date(2025, 1, 1) + timedelta(weeks=index) for index in range(30)]
    text = " ".join(words(drawn(made([journey(ended_on=day) for day in days], By.WEEK))))
    assert "2025-W30 (1)" in text
    assert "2025-W01 (1)" not in text


# moments


@pytest.mark.parametrize(
    ("text", "end", "moment"),
    [
        ("30d", False, datetime(2026, 3, 2, 12, tzinfo=UTC)),
        (" 1d 12h ", True, datetime(2026, 3, 31, tzinfo=UTC)),
        ("2026-03-01", False, datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-03-01", True, datetime(2026, 3, 2, tzinfo=UTC)),
        ("2026-03-01T06:00:00+02:00", True, datetime(2026, 3, 1, 4, tzinfo=UTC)),
    ],
)
def test_moments(text: str, end: bool, moment: datetime) -> None:
    assert read_moment(text, datetime(2026, 4, 1, 12, tzinfo=UTC), end=end) == moment


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "2026-03-01T06:00:00", "99999w 99999w 99999w", "-3d"])
def test_no_moments(text: str) -> None:
    with pytest.raises(ValueError, match="is no moment; expected one like"):
        read_moment(text, UNTIL)
