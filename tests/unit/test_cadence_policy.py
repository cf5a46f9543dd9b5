"""The next look at a price: hazards, local time, promises, patience; and the rule on hazards with a known answer."""

from datetime import UTC, datetime, timedelta
from math import exp, sqrt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carriers.sdk import FulfillmentStatus
from carriers.sdk.status import CARRIER_STATUSES, ENDED
from tracker.cadence import (
    Cadence,
    Hazards,
    Situation,
    Stage,
    fires,
    forecast,
    next_look,
    stage_of,
    worth,
)
from tracker.cadence.hazards import INDEX, OLDEST, SLOTS, STAGES, Exit, StageTable, Tables
from tracker.cadence.outlook import Outlook

S = FulfillmentStatus
NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)  # a Tuesday
CADENCE = Cadence(jitter=0)
HAZARDS = Hazards()


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


def parcel(status: FulfillmentStatus | None, since: float = 1, **facts: Any) -> Situation:
    """A parcel in `status` since so many hours, looked at just now unless told otherwise."""
    at = NOW - hours(since)
    known: dict[str, Any] = {"last_movement_at": at, "first_asked_at": at - hours(24), **facts}
    return Situation(status, at if status else None, **known)


def wait(situation: Situation, price: float = 1.0, now: datetime = NOW) -> float:
    """Hours to the next look."""
    at = next_look(situation, now, cadence=CADENCE, hazards=HAZARDS, price=price).at
    assert at is not None
    return (at - now).total_seconds() / 3600


# The rule, where the answer is known --------------------------------------------------------------------


def one_stage(worth: float, rates: list[float]) -> Tables:
    """LABEL ends at so much an hour in each step of the week, whatever the age."""
    leave = Exit(INDEX[Stage.ENDED], worth, tuple(rates), (1.0,) * (OLDEST + 1))
    table, none = StageTable((leave,), (1.0,) * 7), StageTable((), (1.0,) * 7)
    return tuple(table if stage is Stage.LABEL else none for stage in STAGES)


@pytest.mark.parametrize("price", [0.001, 0.01, 0.05])
def test_a_constant_small_hazard_is_looked_at_by_the_square_root_law(price: float) -> None:
    outlook = Outlook(one_stage(4.0, [0.001] * SLOTS), INDEX[Stage.LABEL], 0, 0, None)
    assert outlook.best(price, 96) == pytest.approx(sqrt(2 * price / (4.0 * 0.001)), rel=0.02)


def test_the_lag_of_a_constant_hazard_is_the_integral() -> None:
    outlook = Outlook(one_stage(4.0, [0.2] * SLOTS), INDEX[Stage.LABEL], 0, 0, None)
    assert outlook.lag(7.25) == pytest.approx(4 * (7.25 - (1 - exp(-0.2 * 7.25)) / 0.2), rel=0.01)


def test_a_window_that_closes_is_looked_at_when_it_has_closed() -> None:
    window = [0.5 if 16 <= slot % 48 < 40 else 0.0 for slot in range(SLOTS)]  # from 8 to 20
    outlook = Outlook(one_stage(4.0, window), INDEX[Stage.LABEL], 2 * 18, 0, None)
    assert outlook.best(20.0, 96) == 2.0  # 20:00, though the lag reaches the price only hours later
    assert outlook.lag(2.0) < 20.0


# What a parcel's facts change ---------------------------------------------------------------------------


def test_more_valuable_and_likelier_news_is_looked_for_sooner() -> None:
    afternoon = {"utc_offset": 180}
    door = wait(parcel(S.OUT_FOR_DELIVERY, 7, **afternoon))
    moving = wait(parcel(S.IN_TRANSIT, 7, **afternoon))
    assert door < 2 < 5 < moving


def test_a_parcel_out_for_delivery_is_left_alone_at_night() -> None:
    night = datetime(2026, 3, 3, 23, 30, tzinfo=UTC)
    out = parcel(S.OUT_FOR_DELIVERY)._replace(status_at=night - hours(15), first_asked_at=night - hours(40))
    assert wait(out, 8.0, night) > 8
    noon = out._replace(status_at=NOW - hours(4), first_asked_at=NOW - hours(40))
    assert wait(noon, 8.0) < 6


def test_local_time_decides() -> None:
    """The last facility at noon UTC: before the morning's loading in California, past it in Berlin."""
    last_facility = parcel(S.IN_TRANSIT, 4, stage=Stage.AT_DESTINATION)
    west = wait(last_facility._replace(utc_offset=-480), 8.0)
    east = wait(last_facility._replace(utc_offset=60), 8.0)
    assert west < 5 < 8 < east


def test_a_parcel_promised_today_is_looked_at_sooner_than_one_promised_later() -> None:
    moving = parcel(S.IN_TRANSIT, 4, stage=Stage.AT_DESTINATION, utc_offset=-420)
    today = wait(moving._replace(estimated_delivery=NOW + hours(10)))
    later = wait(moving._replace(estimated_delivery=NOW + hours(58)))
    assert today < later


def test_an_express_parcel_is_expected_sooner_than_an_economy_one() -> None:
    moving = parcel(S.IN_TRANSIT, 10)
    assert wait(moving._replace(service="express")) < wait(moving._replace(service="economy"))
    assert wait(moving._replace(service="no such service")) == wait(moving)


def test_the_same_question_later_has_the_same_answer_and_another_price_another() -> None:
    moving = parcel(S.IN_TRANSIT, 4, last_look_at=NOW)
    first = next_look(moving, NOW, cadence=CADENCE, hazards=HAZARDS, price=1.0)
    again = next_look(moving, NOW + hours(3), cadence=CADENCE, hazards=HAZARDS, price=1.0)
    dearer = next_look(moving, NOW + hours(3), cadence=CADENCE, hazards=HAZARDS, price=50.0)
    assert first == again
    assert first.at is not None
    assert dearer.at is not None
    assert dearer.at > first.at


def test_a_carrier_that_is_late_is_looked_at_later() -> None:
    """At noon a carrier six hours late has told of nothing after 6:00: its morning is still to come."""
    facility = parcel(S.IN_TRANSIT, 12, stage=Stage.AT_DESTINATION)
    assert wait(facility._replace(upload_delay=hours(6)), 8.0) < 6 < 8 < wait(facility, 8.0)


# Patience -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", sorted(ENDED))
def test_what_has_ended_gets_its_late_looks_and_no_more(status: FulfillmentStatus) -> None:
    looks: list[int] = []
    now = NOW
    while (at := next_look(parcel(status, 0, ended_at=NOW), now, cadence=CADENCE, hazards=HAZARDS, price=1.0).at) and (
        len(looks) < 10
    ):
        looks.append((at - NOW).days)
        now = at
    assert looks == ([1, 3, 7] if status is S.FAILURE else [1, 3])
    assert worth(parcel(status, 9, last_look_at=NOW - hours(9)), NOW, cadence=CADENCE, hazards=HAZARDS) == 0


def test_a_quiet_parcel_is_worth_no_call_and_is_looked_at_ever_more_rarely() -> None:
    waits = []
    for days in (5, 8, 16, 28):
        label = parcel(S.CONFIRMED, days * 24, last_movement_at=None, first_asked_at=NOW - timedelta(days=days))
        waits.append(wait(label, 0.001))
        looked = label._replace(last_look_at=NOW)
        assert worth(looked, NOW + hours(23), cadence=CADENCE, hazards=HAZARDS) == 0
    assert waits == [30, 48, 96, 168]


def test_trouble_waits_no_longer_than_its_own_bound_however_high_the_price() -> None:
    for status in (S.ATTEMPTED_DELIVERY, S.READY_FOR_PICKUP, S.DELAYED, S.ON_HOLD):
        assert wait(parcel(status), 1e4) == 24
    assert wait(parcel(S.CARRIER_PICKED_UP), 1e4) > 48


def test_a_number_not_found_and_one_with_errors_have_patience_of_their_own() -> None:
    fresh = parcel(None, 2, not_found=True, last_movement_at=None, first_asked_at=NOW - hours(2))
    assert wait(fresh, 0.001) == 4
    assert wait(fresh._replace(first_asked_at=NOW - hours(60)), 0.001) == 12
    broken = [wait(parcel(S.OUT_FOR_DELIVERY, 7, failures=count), 0.01) for count in (1, 4, 7, 99)]
    assert broken == sorted(broken)
    assert broken[-1] == 24


def test_polling_ends_where_nobody_knows_the_number_or_nothing_is_heard() -> None:
    unknown = parcel(None, not_found=True, last_movement_at=None, first_asked_at=NOW - timedelta(days=30))
    silent = parcel(S.IN_TRANSIT, 24 * 60)
    for situation, reason in ((unknown, "given up"), (silent, "not asked for any more")):
        look = next_look(situation, NOW, cadence=CADENCE, hazards=HAZARDS, price=1.0)
        assert look.at is None
        assert reason in look.reason


def test_reasons_are_sentences_in_local_time() -> None:
    out = parcel(S.OUT_FOR_DELIVERY, 2, utc_offset=-120)
    reason = next_look(out, NOW, cadence=CADENCE, hazards=HAZARDS, price=1.0).reason
    assert reason.startswith("out for delivery since 03 Mar 08:00; most deliveries come between 14:00 and 21:00;")


# What holds of every parcel -----------------------------------------------------------------------------

prices = st.floats(0.002, 5000)
pasts = st.integers(0, 40 * 24).map(lambda count: NOW - hours(count))
statuses = sorted(CARRIER_STATUSES - ENDED)
situations = st.builds(
    Situation,
    st.sampled_from(statuses),
    pasts,
    st.one_of(st.none(), pasts),
    pasts,
    not_found=st.booleans(),
    failures=st.integers(0, 20),
    estimated_delivery=st.one_of(st.none(), st.integers(-5, 9).map(lambda day: NOW + timedelta(days=day))),
    service=st.sampled_from(["", "express", "ground", "economy"]),
    stage=st.one_of(st.none(), st.just(Stage.AT_DESTINATION)),
    utc_offset=st.integers(-720, 840),
    ended_at=st.none(),
    carrier=st.just("dhl"),
    stage_at=st.none(),
    last_look_at=st.none(),
    upload_delay=st.sampled_from([hours(0), hours(6)]),
)


@given(situations, prices, st.floats(0, 1, exclude_max=True))
def test_a_look_is_never_before_the_minimum_nor_without_end(situation: Situation, price: float, chance: float) -> None:
    cadence = Cadence()
    at = next_look(situation, NOW, cadence=cadence, hazards=HAZARDS, price=price, chance=chance).at
    if at is not None:
        assert NOW + cadence.minimum <= at <= NOW + timedelta(days=15 * 1.1)


@given(situations, prices, prices)
def test_a_higher_price_never_makes_it_sooner(situation: Situation, one: float, other: float) -> None:
    looks = [
        next_look(situation, NOW, cadence=CADENCE, hazards=HAZARDS, price=price).at for price in sorted((one, other))
    ]
    assert (looks[0] is None) == (looks[1] is None)
    if looks[0] is not None and looks[1] is not None:
        assert looks[0] <= looks[1]


@given(situations, st.floats(0, 80), st.floats(0, 15))
def test_worth_begins_at_nothing_and_only_grows(situation: Situation, after: float, more: float) -> None:
    looked = situation._replace(last_look_at=NOW)
    values = [worth(looked, NOW + hours(count), cadence=CADENCE, hazards=HAZARDS) for count in (0, after, after + more)]
    assert values[0] == 0
    assert values == sorted(values)
    assert values[2] <= 13 * (after + more)  # nothing can be worth more than the news of three doors and a few scans


@given(st.lists(st.floats(0, 10), max_size=50), st.integers(1, 30), st.floats(0.01, 100))
def test_a_call_goes_out_when_its_best_passengers_are_worth_it(values: list[float], batch: int, price: float) -> None:
    assert fires(values, batch, price) == (sum(sorted(values)[-batch:]) >= price)


def test_a_forecast_tells_calls_and_lateness() -> None:
    cheap, dear = (
        forecast(parcel(S.IN_TRANSIT, 4), NOW, 24, cadence=CADENCE, hazards=HAZARDS, price=price) for price in (1, 30)
    )
    assert cheap.calls == pytest.approx(24 / wait(parcel(S.IN_TRANSIT, 4), 1.0))
    assert dear.calls < cheap.calls
    assert dear.lag > cheap.lag > 0
    ended = forecast(parcel(S.DELIVERED, 0), NOW, 24, cadence=CADENCE, hazards=HAZARDS, price=1.0)
    assert (ended.calls, ended.lag) == (1, 0)


STATUS_STAGES = [
    (None, Stage.LABEL),
    (S.LABEL_PRINTED, Stage.LABEL),
    (S.CONFIRMED, Stage.LABEL),
    (S.CARRIER_PICKED_UP, Stage.PICKED_UP),
    (S.IN_TRANSIT, Stage.HUB),
    (S.OUT_FOR_DELIVERY, Stage.OUT_FOR_DELIVERY),
    (S.ATTEMPTED_DELIVERY, Stage.ATTEMPTED),
    (S.READY_FOR_PICKUP, Stage.READY),
    (S.DELAYED, Stage.EXCEPTION),
    (S.ON_HOLD, Stage.EXCEPTION),
    (S.DELIVERED, Stage.ENDED),
    (S.PICKED_UP, Stage.ENDED),
    (S.FAILURE, Stage.ENDED),
]


@pytest.mark.parametrize(("status", "stage"), STATUS_STAGES)
def test_stage_of(status: FulfillmentStatus | None, stage: Stage) -> None:
    assert stage_of(status) is stage
    assert stage_of(status, at_destination=True) is (Stage.AT_DESTINATION if status is S.IN_TRANSIT else stage)
