"""Places to zones, and carriers' date strings to instants."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from carriers.sdk import Place, ZoneSource, end_of_day, instant, zone_of
from carriers.sdk.zones import country_code

NEW_YORK = Place(city="New York", state="NY", country="US")
BERLIN = Place(country="DE")


def us(state: str = "", postal_code: str = "") -> Place:
    return Place(state=state, postal_code=postal_code, country="US")


@pytest.mark.parametrize(
    ("place", "zone"),
    [
        (Place(country="JP"), "Asia/Tokyo"),
        (Place(country="in"), "Asia/Kolkata"),
        (Place(country="NP"), "Asia/Kathmandu"),
        (Place(country="DEU"), "Europe/Berlin"),
        (Place(country="United States", state="CA"), "America/Los_Angeles"),
        (Place(country="US"), "America/New_York"),
        (Place(country="BR"), "America/Sao_Paulo"),
        (Place(country="RU"), "Europe/Moscow"),
        (Place(country="RU", postal_code="690091"), "Asia/Vladivostok"),
        (Place(country="ID", postal_code="80361"), "Asia/Makassar"),
        (Place(country="KZ"), "Asia/Almaty"),
        (Place(country="ES", postal_code="35001"), "Atlantic/Canary"),
        (Place(country="PT", postal_code="9500-150"), "Atlantic/Azores"),
        (Place(country="FR", postal_code="97400"), "Indian/Reunion"),
        (Place(country="FR", postal_code="75001"), "Europe/Paris"),
        (Place(country="MX", state="QR"), "America/Cancun"),
        (Place(country="MX", state="BCN"), "America/Tijuana"),
        (Place(country="BR", state="AM"), "America/Manaus"),
        (Place(country="BR", postal_code="69005-040"), "America/Manaus"),
        (Place(country="CA", state="NL"), "America/St_Johns"),
        (Place(country="CA", state="ON", postal_code="P9N 1A1"), "America/Winnipeg"),
        (Place(country="CA", state="CA-BC"), "America/Vancouver"),
        (Place(country="CA", state="SK"), "America/Regina"),
        (Place(country="AU", state="QLD"), "Australia/Brisbane"),
        (Place(country="AU", state="NSW", postal_code="2898"), "Australia/Lord_Howe"),
        (Place(country="AU", state="NSW", postal_code="2880"), "Australia/Broken_Hill"),
    ],
)
def test_zone_of_a_place(place: Place, zone: str) -> None:
    assert zone_of(place) == ZoneInfo(zone)


@pytest.mark.parametrize(
    ("place", "zone"),
    [
        (us("AZ"), "America/Phoenix"),
        (us("AZ", "86515"), "America/Denver"),  # Window Rock keeps summer time
        (us("PR"), "America/Puerto_Rico"),
        (Place(country="PR"), "America/Puerto_Rico"),
        (us("HI", "96813"), "Pacific/Honolulu"),
        (us("GU"), "Pacific/Guam"),
        (us("FL", "33101"), "America/New_York"),
        (us("FL", "32501"), "America/Chicago"),  # Pensacola
        (us("FL"), "America/New_York"),
        (us("TX", "75201"), "America/Chicago"),
        (us("TX", "79901"), "America/Denver"),  # El Paso
        (us("TN", "37201"), "America/Chicago"),  # Nashville
        (us("TN", "37902"), "America/New_York"),  # Knoxville
        (us("KY", "42101"), "America/Chicago"),  # Bowling Green
        (us("IN", "46402"), "America/Chicago"),  # Gary
        (us("IN", "46204"), "America/Indiana/Indianapolis"),
        (us("MI", "49801"), "America/Chicago"),  # Iron Mountain
        (us("ND", "58601"), "America/Denver"),  # Dickinson
        (us("SD", "57701"), "America/Denver"),  # Rapid City
        (us("NE", "69361"), "America/Denver"),  # Scottsbluff
        (us("KS", "67735"), "America/Denver"),  # Goodland
        (us("OR", "97914"), "America/Boise"),  # Ontario
        (us("ID", "83814"), "America/Los_Angeles"),  # Coeur d'Alene
        (us(postal_code="99501-1234"), "America/Anchorage"),  # no state told
        (us("WA", "00000"), "America/Los_Angeles"),  # a postal code that is none
    ],
)
def test_zones_within_states(place: Place, zone: str) -> None:
    """Same offsets, not same names, are what counts: Louisville and New York differ only in history."""
    found = zone_of(place)
    assert found is not None
    for month in (1, 7):
        day = datetime(2026, month, 15, 12, tzinfo=found)
        assert day.utcoffset() == day.replace(tzinfo=ZoneInfo(zone)).utcoffset()


@pytest.mark.parametrize(
    "place",
    [None, Place(), Place(city="Springfield"), Place(country="ZZ"), Place(country="X" * 10_000), us("AE", "09012")],
)
def test_no_zone_where_the_place_does_not_tell(place: Place | None) -> None:
    assert zone_of(place) is None


@pytest.mark.parametrize(
    ("name", "code"),
    [("Germany", "DE"), ("usa", "US"), ("UK", "GB"), ("GBR", "GB"), ("Czech Republic", "CZ"), ("FR", "FR"), ("", "")],
)
def test_country_code(name: str, code: str) -> None:
    assert country_code(name) == code


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2026-03-02T07:53:47+01:00", "2026-03-02T07:53:47+01:00"),
        ("2026-03-02T07:53:47+0200", "2026-03-02T07:53:47+02:00"),
        ("2026-03-02T07:53:47Z", "2026-03-02T07:53:47+00:00"),
        ("2026-03-02 07:53:47 -0500", "2026-03-02T07:53:47-05:00"),
        ("2026-03-02 07:53 UTC", "2026-03-02T07:53:00+00:00"),
        ("  2026-03-02T07:53:47.25+05:45 ", "2026-03-02T07:53:47.250000+05:45"),
        ("2026-03-02T07:53:47.1234567Z", "2026-03-02T07:53:47.123456+00:00"),
    ],
)
def test_a_stated_offset_is_kept(text: str, iso: str) -> None:
    assert instant(text, NEW_YORK) == (datetime.fromisoformat(iso), ZoneSource.GIVEN)


@pytest.mark.parametrize(
    ("text", "place", "iso"),
    [
        ("2026-03-07T12:00:00", NEW_YORK, "2026-03-07T12:00:00-05:00"),
        ("2026-03-08T12:00:00", NEW_YORK, "2026-03-08T12:00:00-04:00"),  # summer time began that night
        ("2026-03-08T12:00:00", us("AZ"), "2026-03-08T12:00:00-07:00"),  # and never begins there
        ("2026-03-08T02:30:00", NEW_YORK, "2026-03-08T03:30:00-04:00"),  # an hour that does not exist
        ("2026-11-01T01:30:00", NEW_YORK, "2026-11-01T01:30:00-04:00"),  # an hour that comes twice: the first
        ("2026-10-25T02:30:00", BERLIN, "2026-10-25T02:30:00+02:00"),
        ("2026-01-15 08:00:00", Place(country="CA", state="NL"), "2026-01-15T08:00:00-03:30"),
        ("2026-01-15 08:00", Place(country="AU", postal_code="2898"), "2026-01-15T08:00:00+11:00"),
        ("2026-07-15 08:00", Place(country="AU", postal_code="2898"), "2026-07-15T08:00:00+10:30"),
        ("2026-07-15", BERLIN, "2026-07-15T00:00:00+02:00"),
    ],
)
def test_a_bare_time_is_local_to_its_place(text: str, place: Place, iso: str) -> None:
    assert instant(text, place) == (datetime.fromisoformat(iso), ZoneSource.ASSUMED)


def test_the_first_place_with_a_zone_decides() -> None:
    found = instant("2026-01-15T12:00:00", None, Place(city="Springfield"), BERLIN, NEW_YORK)

    assert found == (datetime.fromisoformat("2026-01-15T12:00:00+01:00"), ZoneSource.ASSUMED)


def test_without_any_place_it_is_utc_and_says_so() -> None:
    assert instant("2026-01-15T12:00:00") == (datetime(2026, 1, 15, 12, tzinfo=UTC), ZoneSource.ASSUMED)


def test_differences_across_an_autumn_night_are_real_time() -> None:
    """Datetimes that share a zone subtract by the clock on the wall; these must not."""
    before, after = instant("2026-10-31T12:00", NEW_YORK), instant("2026-11-01T12:00", NEW_YORK)

    assert before is not None
    assert after is not None
    assert after[0] - before[0] == timedelta(hours=25)


@pytest.mark.parametrize(
    "text",
    ["", "soon", "0", "2026-13-01", "2026-02-30T10:00:00", "2026", "X" * 10_000, "2" * 10_000, "\ud800", "١٢٣٤"],
)
def test_unreadable(text: str) -> None:
    assert instant(text, NEW_YORK) is None


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00", "0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00"])
def test_no_date_written_as_a_date_is_unreadable(text: str) -> None:
    """Also because converting such a time to UTC raises."""
    assert instant(text, NEW_YORK, BERLIN) is None


@pytest.mark.parametrize(
    ("day", "iso"), [(date(2026, 3, 8), "2026-03-08T23:59:00-04:00"), (date(2026, 3, 7), "2026-03-07T23:59:00-05:00")]
)
def test_end_of_day(day: date, iso: str) -> None:
    assert end_of_day(day, Place(), NEW_YORK) == datetime.fromisoformat(iso)


@pytest.mark.parametrize("day", [date.min, date.max])
def test_end_of_any_day_can_be_converted(day: date) -> None:
    for place in (NEW_YORK, Place(country="JP")):
        assert end_of_day(day, place).astimezone(UTC).date() == day
