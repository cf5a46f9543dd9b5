"""One number for several pieces: which of them speaks for all."""

from datetime import UTC, datetime, timedelta

from carriers.sdk import Codes, Event, Shipment, Summary, ZoneSource, furthest_behind

CODES = Codes(IN_TRANSIT="GO", DELIVERED="OK", PICKED_UP="GOT", RETURNING="BACK")
START = datetime(2026, 3, 2, 12, tzinfo=UTC)


def piece(name: str, *codes: str, hours: int = 0) -> Shipment:
    """A piece with these events, oldest first, the last of them `hours` after the start."""
    told = [
        Event(START + timedelta(hours=hours, minutes=index), ZoneSource.GIVEN, code, CODES.meaning(code))
        for index, code in enumerate(codes)
    ]
    return Shipment(events=tuple(reversed(told)), id=name)


def chosen(*pieces: Shipment) -> str | None:
    found = furthest_behind(pieces)
    return found.id if found else None


def test_no_pieces() -> None:
    assert chosen() is None


def test_one_that_is_awaited_speaks_before_those_that_arrived() -> None:
    assert chosen(piece("first", "GO", "OK", hours=9), piece("second", "GO"), piece("third", "GO", "GOT")) == "second"


def test_of_those_awaited_the_one_heard_of_last() -> None:
    assert chosen(piece("quiet", "GO"), piece("heard", "GO", hours=3)) == "heard"


def test_when_all_arrived_the_last_to_arrive() -> None:
    assert chosen(piece("late", "OK", hours=5), piece("early", "OK")) == "late"


def test_one_that_came_back_to_the_sender_has_not_arrived() -> None:
    assert chosen(piece("home", "OK", hours=9), piece("back", "BACK", "OK")) == "back"


def test_a_summary_counts_where_events_are_missing() -> None:
    arrived = Shipment(summary=Summary("OK", CODES.meaning("OK")), id="arrived")

    assert chosen(arrived, piece("awaited", "GO")) == "awaited"
    assert chosen(arrived) == "arrived"
