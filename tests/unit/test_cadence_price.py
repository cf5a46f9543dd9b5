"""The price of a call: found from a wrong start, kept to the quota, quiet while nothing binds."""

import json
from datetime import UTC, datetime, timedelta
from math import cos, pi

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.cadence import Count, Price, Window
from tracker.cadence.price import HIGHEST, LOWEST, start, step

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
TICK = timedelta(minutes=15)
LOW = 0.15


def appetite(hour: float) -> float:
    """Calls an hour wanted at price 1: most at 15:00, few at 3:00."""
    return 60 * (1 - 0.8 * cos(2 * pi * (hour - 3) / 24))


def live(first: float, window: Window, limit: int, days: int, elasticity: float = 0.4) -> list[tuple[Price, int]]:
    """The price at each tick and the calls made in it, of an account whose parcels want as `appetite` says."""
    price, ticks, used, owed = start(first, MONDAY, limit / (24 if window is Window.DAY else 1)), [], 0, 0.0
    now = MONDAY
    for _ in range(days * 96):
        if now.minute == 0 and (window is Window.HOUR or now.hour == 0):
            used = 0
        owed += appetite(now.hour + now.minute / 60) / 4 * price.value**-elasticity
        wanted = int(owed)
        owed -= wanted
        made = min(wanted, limit - used)
        used += made
        now += TICK
        price = step(price, now, wanted=wanted, counts=(Count(window, used, limit),), lowest=LOW)
        ticks.append((price, made))
    return ticks


@pytest.mark.parametrize("first", [0.01, 5.0, 500.0])
@pytest.mark.parametrize("elasticity", [0.3, 0.4, 0.5])
def test_a_day_quota_is_used_and_kept_from_any_start(first: float, elasticity: float) -> None:
    ticks = live(first, Window.DAY, 600, 12, elasticity)
    for day in range(4, 12):
        made = sum(calls for _, calls in ticks[96 * day : 96 * (day + 1)])
        assert 0.93 * 600 <= made <= 600
        evening = [calls for _, calls in ticks[96 * day + 72 : 96 * day + 92]]
        assert sum(calls > 0 for calls in evening) > 12  # there are calls left until late


def test_starts_far_apart_end_at_the_same_price() -> None:
    low, high = (live(first, Window.DAY, 600, 10)[-48][0].value for first in (0.01, 500.0))
    assert low == pytest.approx(high, rel=0.15)


def test_an_hourly_cap_raises_the_price_only_while_it_binds() -> None:
    ticks = live(1.0, Window.HOUR, 80, 8)[-96:]
    assert ticks[4 * 4][0].value == LOW  # at 4:00 less is wanted than allowed
    assert ticks[4 * 15][0].value > 2 * LOW
    assert sum(calls for _, calls in ticks[4 * 14 : 4 * 16]) >= 0.9 * 160


def test_without_an_hourly_or_daily_quota_the_price_is_the_lowest() -> None:
    price = step(start(40.0, MONDAY), MONDAY + TICK, wanted=10**6, counts=(), lowest=LOW)
    assert price.value == LOW


def test_of_several_windows_the_tightest_decides() -> None:
    price = start(5.0, MONDAY, 60)
    tight, loose = Count(Window.DAY, 0, 100), Count(Window.HOUR, 0, 10**6)

    def after(*counts: Count) -> float:
        return step(price, MONDAY + TICK, wanted=20, counts=counts, lowest=LOW).value

    assert after(tight, loose) == after(tight) > after(loose)


@pytest.mark.parametrize(("window", "wanted"), [(Window.SLIDING_DAY, 3), (Window.SLIDING_HOUR, 60)])
def test_a_sliding_window_overdrawn_is_dearer_than_one_that_is_not(window: Window, wanted: int) -> None:
    def settled(used: int) -> float:
        price = start(5.0, MONDAY, 10)
        for tick in range(24):
            counts = (Count(window, used, 240),)
            price = step(price, MONDAY + (tick + 1) * TICK, wanted=wanted, counts=counts, lowest=0.001)
        return price.value

    assert settled(330) > 1.5 * settled(0)


def test_the_state_survives_as_json() -> None:
    price = live(3.0, Window.DAY, 600, 1)[-1][0]
    stored = json.loads(json.dumps(price._asdict()))
    assert Price(**{**stored, "shape": tuple(stored["shape"])}) == price


@given(
    st.lists(
        st.tuples(st.integers(0, 5000), st.integers(0, 3000), st.floats(0, 60)),
        min_size=1,
        max_size=40,
    ),
    st.floats(LOWEST, HIGHEST),
    st.sampled_from(Window),
)
def test_the_price_stays_within_bounds_whatever_happens(
    steps: list[tuple[int, int, float]], first: float, window: Window
) -> None:
    price, now = start(first, MONDAY, 10), MONDAY
    for wanted, used, passed in steps:
        now += timedelta(hours=passed)
        price = step(price, now, wanted=wanted, counts=(Count(window, used, 240),), lowest=LOW)
        assert LOWEST <= price.value <= HIGHEST
        assert sum(price.shape) == pytest.approx(24, rel=0.05)
