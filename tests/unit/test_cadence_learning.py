"""What history teaches: sums that add up, multipliers that converge, stay bounded and start from the shipped."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from math import exp
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.cadence import Hazards, Lesson, Stage, Stay, delay_lessons, lessons, multipliers, upload_delay
from tracker.cadence.hazards import INDEX, UNLEARNT, Service, tables
from tracker.cadence.learning import OVERALL_BOUNDS, PART_BOUNDS

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
SHIPPED = tables(Service.GROUND)
KEY = ("dhl", "ground", Stage.AT_DESTINATION)


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


def learn(stays: list[Stay]) -> list[Lesson]:
    return [lesson for stay in stays for lesson in lessons(stay, "dhl", "ground", SHIPPED)]


def stays_at(factor: float, count: int, shift: float = 0.0) -> list[Stay]:
    """Stays at the last facility drawn from the shipped hazards times a factor, its clock `shift` hours later."""
    random = Random(5)  # noqa: S311 - chance, not secrecy
    table = SHIPPED[INDEX[Stage.AT_DESTINATION]]
    stays = []
    for _ in range(count):
        entered = random.randrange(336)
        age = 0
        while random.random() < exp(-table.hazard((entered + age - int(2 * shift)) % 336, age, 6) * factor * 0.5):
            age += 1
        begin = MONDAY + hours(entered / 2)
        left = begin + hours(age / 2 + 0.25)
        stays.append(Stay(Stage.AT_DESTINATION, begin, left, left, 0))
    return stays


def test_without_history_nothing_is_learnt() -> None:
    assert multipliers([]) == {}
    hazards = Hazards(multipliers([]))
    assert hazards.tables("dhl", Service.GROUND) is hazards.tables("", Service.GROUND)


@pytest.mark.parametrize("factor", [0.5, 1.0, 2.0])
def test_the_overall_factor_is_found(factor: float) -> None:
    found = multipliers(learn(stays_at(factor, 400)))[KEY]
    assert found.overall == pytest.approx(factor, rel=0.15)


def test_history_that_agrees_changes_little_however_short() -> None:
    for count in (3, 20, 200):
        found = multipliers(learn(stays_at(1.0, count)))[KEY]
        assert 0.75 < found.overall < 1.33
        assert all(0.6 < factor < 1.5 for part in found[1:] for factor in part)


def test_hours_are_learnt_where_they_differ() -> None:
    found = multipliers(learn(stays_at(1.0, 600, shift=3.0)))[KEY]
    assert found.hour[5] > 2  # 10 to 12, when the shipped clock has all but ended
    assert found.hour[3] < 0.5  # 6 to 8


def test_learnt_hazards_are_the_carriers_own() -> None:
    hazards = Hazards(multipliers(learn(stays_at(2.0, 400))))
    stage = INDEX[Stage.AT_DESTINATION]
    slot = 2 * 7
    shipped = hazards.tables("ups", Service.GROUND)[stage].hazard(slot, 8, 6)
    assert hazards.tables("dhl", Service.GROUND)[stage].hazard(slot, 8, 6) > 1.4 * shipped
    assert hazards.tables("dhl", Service.EXPRESS) == hazards.tables("ups", Service.EXPRESS)


def test_a_stay_without_an_end_is_expectation_without_news() -> None:
    open_stay = Stay(Stage.AT_DESTINATION, MONDAY, None, MONDAY + hours(12), 0)
    rows = learn([open_stay])
    assert all(row.events == 0 for row in rows)
    assert {row.part: row for row in rows}["overall"].expected > 1
    assert multipliers(rows)[KEY].overall < 1


def test_the_parts_of_an_ended_stay() -> None:
    promised = MONDAY + hours(12)
    stay = Stay(Stage.AT_DESTINATION, MONDAY + hours(1), MONDAY + hours(8), MONDAY + hours(9), 0, promised)
    rows = learn([stay])
    assert {row.part for row in rows if row.events} == {"overall", "age:1", "hour:4", "weekday:0", "promise:0"}
    by_kind: defaultdict[str, float] = defaultdict(float)
    for row in rows:
        by_kind[row.part.partition(":")[0]] += row.expected
    assert max(by_kind.values()) == pytest.approx(min(by_kind.values()))


def test_local_time_is_learnt_not_utc() -> None:
    stay = Stay(Stage.AT_DESTINATION, MONDAY + hours(6), MONDAY + hours(15), MONDAY + hours(15), -480)
    assert [row.part for row in learn([stay]) if row.events and row.part.startswith("hour")] == ["hour:3"]


def test_what_has_ended_teaches_nothing() -> None:
    assert learn([Stay(Stage.ENDED, MONDAY, None, MONDAY + hours(99), 0)]) == []


def shown_late(delay: float, scans: int) -> list[Lesson]:
    """Lessons of scans shown so many hours late, to looks every four hours."""
    random = Random(3)  # noqa: S311 - chance, not secrecy
    rows = []
    for _ in range(scans):
        seen_after = delay + 4 * random.random()
        at = MONDAY + hours(200 * random.random())
        rows += delay_lessons(at, at + hours(seen_after - 4), at + hours(seen_after), "dhl")
    return rows


@pytest.mark.parametrize(("delay", "least", "most"), [(0, 0, 0), (0.2, 0, 0), (6.5, 4, 6), (13, 10, 12)])
def test_a_carrier_that_shows_its_scans_late_is_found_out(delay: float, least: float, most: float) -> None:
    assert hours(least) <= upload_delay(shown_late(delay, 400), "dhl") <= hours(most)


def test_few_scans_prove_no_delay_and_it_is_the_carriers_own() -> None:
    assert upload_delay(shown_late(12, 5), "dhl") == hours(0)
    assert upload_delay(shown_late(12, 400), "ups") == hours(0)
    assert multipliers(shown_late(12, 400)) == {}


def summed(rows: list[Lesson]) -> list[Lesson]:
    sums: defaultdict[tuple[str, str, Stage, str], list[float]] = defaultdict(lambda: [0.0, 0.0])
    for row in rows:
        sums[row[:4]][0] += row.events
        sums[row[:4]][1] += row.expected
    return [Lesson(*key, *values) for key, values in sums.items()]


def test_rows_add_up_in_any_order() -> None:
    rows = learn(stays_at(1.3, 60))
    once, twice = multipliers(rows)[KEY], multipliers(summed(list(reversed(rows))))[KEY]
    assert once.overall == pytest.approx(twice.overall)
    assert once.hour == pytest.approx(twice.hour)


rows = st.builds(
    Lesson,
    st.just("dhl"),
    st.just("ground"),
    st.sampled_from(Stage),
    st.sampled_from(["overall", "age:0", "hour:3", "weekday:6", "promise:-2", "something else"]),
    st.integers(0, 10**9).map(float),
    st.floats(0, 1e9),
)


@given(st.lists(rows, max_size=30))
def test_multipliers_are_bounded_whatever_the_history(history: list[Lesson]) -> None:
    for found in multipliers(history).values():
        assert OVERALL_BOUNDS[0] <= found.overall <= OVERALL_BOUNDS[1]
        for part in found[1:]:
            assert all(PART_BOUNDS[0] <= value <= PART_BOUNDS[1] for value in part)
        assert [len(part) for part in found[1:]] == [len(part) for part in UNLEARNT[1:]]
