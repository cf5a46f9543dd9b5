"""The wall clock and the simulated one."""

from datetime import UTC, datetime, timedelta

import pytest
from freezegun import freeze_time

from tracker.clock import VARIABLE, Clock

WALL = datetime(2026, 11, 20, 8, tzinfo=UTC)
ORIGIN = datetime(2026, 3, 2, tzinfo=UTC)


def test_the_wall_clock_shows_the_time_in_utc() -> None:
    with freeze_time(WALL):
        assert Clock().now() == WALL
        assert Clock().now().utcoffset() == timedelta()
    assert Clock().speed == 1


def test_a_simulated_clock_starts_at_its_origin_and_runs_faster() -> None:
    with freeze_time(WALL) as wall:
        clock = Clock.simulated(ORIGIN, 3600)
        assert clock.now() == ORIGIN
        wall.tick(timedelta(seconds=24))
        assert clock.now() == ORIGIN + timedelta(days=1)
        assert clock.now().tzinfo is UTC


@pytest.mark.parametrize(
    ("clock", "shown"),
    [
        pytest.param(Clock(), timedelta(seconds=30), id="wall"),
        pytest.param(Clock.simulated(ORIGIN, 600), timedelta(hours=5), id="simulated"),
        pytest.param(Clock.simulated(ORIGIN, 0.5), timedelta(seconds=15), id="slow"),
    ],
)
def test_wall_seconds_in_clock_time(clock: Clock, shown: timedelta) -> None:
    assert clock.wall(30) == shown


@pytest.mark.parametrize("speed", [0.25, 1.0, 86_400.0, 1e-05])
def test_another_process_shares_the_clock(speed: float) -> None:
    with freeze_time(WALL + timedelta(microseconds=123_456)):
        clock = Clock.simulated(ORIGIN, speed)
    shared = Clock.from_environment({"PATH": "/bin", **clock.environment()})
    with freeze_time(WALL + timedelta(hours=1)):
        assert shared.now() == clock.now()
    assert shared == clock


def test_the_wall_clock_needs_no_variable() -> None:
    assert Clock().environment() == {}
    assert Clock.from_environment({"PATH": "/bin"}) == Clock()
    assert Clock.from_environment({VARIABLE: ""}) == Clock()


def test_a_variable_written_by_hand() -> None:
    clock = Clock.from_environment({VARIABLE: "2026-03-02T00:00:00Z@2026-11-20T09:00:00+01:00x60"})
    with freeze_time(WALL + timedelta(minutes=1)):
        assert clock.now() == ORIGIN + timedelta(hours=1)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("fast", id="a word"),
        pytest.param("2026-03-02T00:00:00Z", id="one instant"),
        pytest.param("2026-03-02T00:00:00Z@2026-11-20T08:00:00Z", id="no speed"),
        pytest.param("2026-03-02T00:00:00Z@2026-11-20T08:00:00Zx", id="empty speed"),
        pytest.param("2026-03-02T00:00:00Z@2026-11-20T08:00:00Zx0", id="stands still"),
        pytest.param("2026-03-02T00:00:00Z@2026-11-20T08:00:00Zx-5", id="runs backwards"),
        pytest.param("2026-03-02T00:00:00Z@2026-11-20T08:00:00Zxnan", id="not a number"),
        pytest.param("2026-03-02T00:00:00Z@2026-11-20T08:00:00Zxinf", id="infinite"),
        pytest.param("2026-03-02T00:00:00@2026-11-20T08:00:00Zx60", id="origin without an offset"),
        pytest.param("2026-03-02T00:00:00Z@2026-11-20T08:00:00x60", id="wall without an offset"),
        pytest.param("yesterday@2026-11-20T08:00:00Zx60", id="no date"),
    ],
)
def test_nonsense_names_the_variable_and_the_form_expected(value: str) -> None:
    with pytest.raises(ValueError, match=rf"{VARIABLE}=.*expected <simulated origin>@<wall origin>x<speed>"):
        Clock.from_environment({VARIABLE: value})


@pytest.mark.parametrize("speed", [0, -1, float("nan"), float("inf")])
def test_a_clock_runs_forward(speed: float) -> None:
    with pytest.raises(ValueError, match="speed of a clock"):
        Clock.simulated(ORIGIN, speed)


def test_an_origin_needs_an_offset() -> None:
    with pytest.raises(ValueError, match="needs an offset"):
        Clock.simulated(datetime(2026, 3, 2), 60)  # noqa: DTZ001 - what is refused
