"""When to ask again: intervals as tables, and what holds of every situation."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from carriers.sdk import FulfillmentStatus
from carriers.sdk.status import CARRIER_STATUSES, ENDED
from tracker.cadence import Cadence, Situation, gives_up, next_poll, priority
from tracker.durations import DurationSchema, read_duration, write_duration

S = FulfillmentStatus
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
DEFAULTS = Cadence()
MIDDLE = 0.5  # the chance that leaves an interval as it is


def ago(text: str) -> datetime:
    return NOW - read_duration(text)


def ahead(text: str) -> datetime:
    return NOW + read_duration(text)


def situation(status: FulfillmentStatus | None, **facts: Any) -> Situation:
    """A parcel in `status` since an hour ago, asked for since a day, unless told otherwise."""
    since = None if status is None else ago("1h")
    moved = None if status in (None, S.CONFIRMED) else since
    known: dict[str, Any] = {"status_at": since, "last_movement_at": moved, "first_asked_at": ago("1d"), **facts}
    return Situation(status, **known)


INTERVALS = [
    pytest.param(situation(None, not_found=True), "4h", id="not found, fresh"),
    pytest.param(situation(None, not_found=True, first_asked_at=ago("2d")), "12h", id="not found after two days"),
    pytest.param(situation(None), "4h", id="found, but nothing said"),
    pytest.param(situation(S.LABEL_PRINTED, not_found=True), "4h", id="imported status, not found"),
    pytest.param(situation(S.CONFIRMED), "4h", id="confirmed"),
    pytest.param(situation(S.CARRIER_PICKED_UP), "4h", id="picked up by the carrier"),
    pytest.param(situation(S.IN_TRANSIT), "4h", id="in transit"),
    pytest.param(situation(S.OUT_FOR_DELIVERY), "30m", id="out for delivery"),
    pytest.param(situation(S.ATTEMPTED_DELIVERY), "2h", id="attempted"),
    pytest.param(situation(S.READY_FOR_PICKUP), "6h", id="ready for pickup"),
    pytest.param(situation(S.DELAYED), "4h", id="delayed"),
    pytest.param(situation(S.ON_HOLD), "6h", id="on hold"),
    pytest.param(situation(S.OUT_FOR_DELIVERY, not_found=True), "4h", id="known once, not found now"),
    pytest.param(situation(S.IN_TRANSIT, estimated_delivery=ago("1h")), "2h", id="overdue"),
    pytest.param(situation(S.DELAYED, estimated_delivery=ago("1h")), "2h", id="delayed and overdue"),
    pytest.param(situation(S.OUT_FOR_DELIVERY, estimated_delivery=ago("1h")), "30m", id="overdue, on the vehicle"),
    pytest.param(situation(S.ON_HOLD, estimated_delivery=ago("1h")), "6h", id="on hold after the promised day"),
    pytest.param(situation(S.IN_TRANSIT, estimated_delivery=ahead("1h")), "4h", id="promised, not over"),
    pytest.param(situation(S.IN_TRANSIT, failures=1), "8h", id="one error"),
    pytest.param(situation(S.IN_TRANSIT, failures=2), "16h", id="two errors"),
    pytest.param(situation(S.IN_TRANSIT, failures=3), "24h", id="three errors: the maximum"),
    pytest.param(situation(S.IN_TRANSIT, failures=100_000), "24h", id="errors without end"),
]


@pytest.mark.parametrize(("parcel", "wait"), INTERVALS)
def test_interval(parcel: Situation, wait: str) -> None:
    assert next_poll(parcel, NOW, DEFAULTS, MIDDLE) == ahead(wait)


SILENT = [
    pytest.param(S.IN_TRANSIT, "4d", "4h", id="four days: as ever"),
    pytest.param(S.IN_TRANSIT, "8d", "8h", id="eight days: slower"),
    pytest.param(S.IN_TRANSIT, "30d", "24h", id="a month: the maximum"),
    pytest.param(S.OUT_FOR_DELIVERY, "12h", "30m", id="a day's round: as ever"),
    pytest.param(S.OUT_FOR_DELIVERY, "2d", "2h", id="never came back from the round"),
]


@pytest.mark.parametrize(("status", "silence", "wait"), SILENT)
def test_silent_parcels_slow_down(status: FulfillmentStatus, silence: str, wait: str) -> None:
    parcel = situation(status, status_at=ago(silence), last_movement_at=ago(silence), first_asked_at=ago("50d"))
    assert next_poll(parcel, NOW, DEFAULTS, MIDDLE) == ahead(wait)


def test_a_later_status_breaks_the_silence_without_a_movement() -> None:
    held = situation(S.ON_HOLD, status_at=ago("1h"), last_movement_at=ago("61d"), first_asked_at=ago("70d"))
    assert next_poll(held, NOW, DEFAULTS, MIDDLE) == ahead("6h")


def test_a_label_made_long_before_we_asked_is_not_silent_yet() -> None:
    preorder = situation(S.CONFIRMED, status_at=ago("90d"), first_asked_at=ago("1h"))
    assert next_poll(preorder, NOW, DEFAULTS, MIDDLE) == ahead("4h")


def test_chance_spreads_an_interval_by_the_jitter() -> None:
    parcel = situation(S.IN_TRANSIT)
    assert next_poll(parcel, NOW, DEFAULTS, 0.0) == ahead("3h 36m")
    assert next_poll(parcel, NOW, DEFAULTS, 0.75) == ahead("4h 12m")
    assert next_poll(parcel, NOW, Cadence(jitter=0), 0.0) == ahead("4h")


LATE_LOOKS = [
    pytest.param(S.DELIVERED, "1m", "1d", id="delivered just now: after a day"),
    pytest.param(S.DELIVERED, "25h", "3d", id="delivered: after three days"),
    pytest.param(S.DELIVERED, "73h", None, id="delivered: enough"),
    pytest.param(S.PICKED_UP, "1m", "1d", id="picked up: as delivered"),
    pytest.param(S.PICKED_UP, "73h", None, id="picked up: enough"),
    pytest.param(S.FAILURE, "1m", "1d", id="failed: after a day"),
    pytest.param(S.FAILURE, "25h", "3d", id="failed: after three days"),
    pytest.param(S.FAILURE, "73h", "7d", id="failed: after a week"),
    pytest.param(S.FAILURE, "170h", None, id="failed: enough"),
    pytest.param(S.DELIVERED, "90d", None, id="delivered long before we asked"),
]


@pytest.mark.parametrize(("status", "ended", "after"), LATE_LOOKS)
def test_late_looks(status: FulfillmentStatus, ended: str, after: str | None) -> None:
    parcel = situation(status, ended_at=ago(ended))
    due = ago(ended) + read_duration(after) if after else None
    assert next_poll(parcel, NOW, DEFAULTS, 0.0) == due


def test_late_looks_count_from_our_first_question_where_nobody_knows_the_end() -> None:
    parcel = situation(S.DELIVERED, status_at=None)
    assert next_poll(parcel, NOW, DEFAULTS, 0.0) == ago("1d") + read_duration("3d")


def test_no_late_looks_where_none_are_wanted() -> None:
    assert next_poll(situation(S.DELIVERED), NOW, Cadence(late_looks_received=()), MIDDLE) is None


GIVEN_UP = [
    pytest.param(situation(None, not_found=True, first_asked_at=ago("30d")), True, id="unknown for a month"),
    pytest.param(situation(None, not_found=True, first_asked_at=ago("29d")), False, id="unknown for less"),
    pytest.param(situation(S.LABEL_PRINTED, not_found=True, first_asked_at=ago("30d")), True, id="imported status"),
    pytest.param(situation(None, first_asked_at=ago("30d")), False, id="nobody could ask: refused credential, outage"),
    pytest.param(situation(None, failures=9, first_asked_at=ago("30d")), False, id="only errors"),
    pytest.param(situation(S.CONFIRMED, not_found=True, first_asked_at=ago("30d")), False, id="known once"),
]


@pytest.mark.parametrize(("parcel", "given_up"), GIVEN_UP)
def test_gives_up_only_on_what_the_carrier_never_knew(parcel: Situation, given_up: bool) -> None:
    assert gives_up(parcel, NOW, DEFAULTS) is given_up
    assert (next_poll(parcel, NOW, DEFAULTS, MIDDLE) is None) is given_up


@pytest.mark.parametrize("status", sorted(CARRIER_STATUSES - ENDED))
def test_silent_for_too_long_is_asked_no_more(status: FulfillmentStatus) -> None:
    for silence, asked in (("59d", True), ("60d", False)):
        parcel = situation(status, status_at=ago(silence), last_movement_at=ago(silence), first_asked_at=ago("90d"))
        assert (next_poll(parcel, NOW, DEFAULTS, MIDDLE) is not None) is asked


PRIORITIES = [
    pytest.param(situation(S.OUT_FOR_DELIVERY), 3, id="out for delivery"),
    pytest.param(situation(S.ATTEMPTED_DELIVERY), 3, id="attempted"),
    pytest.param(situation(S.IN_TRANSIT, estimated_delivery=ahead("11h")), 3, id="promised today"),
    pytest.param(situation(S.IN_TRANSIT, estimated_delivery=ago("1d")), 3, id="promised yesterday"),
    pytest.param(situation(S.IN_TRANSIT, estimated_delivery=ahead("1d")), 2, id="promised tomorrow"),
    pytest.param(situation(S.IN_TRANSIT), 2, id="in transit"),
    pytest.param(situation(S.CARRIER_PICKED_UP), 2, id="picked up by the carrier"),
    pytest.param(situation(S.DELAYED), 2, id="delayed"),
    pytest.param(situation(S.CONFIRMED), 1, id="confirmed"),
    pytest.param(situation(S.CONFIRMED, estimated_delivery=ahead("1h")), 1, id="confirmed, however promised"),
    pytest.param(situation(S.ON_HOLD), 1, id="on hold"),
    pytest.param(situation(S.READY_FOR_PICKUP), 1, id="waits for the recipient"),
    pytest.param(situation(None, not_found=True), 1, id="not found"),
    pytest.param(situation(None, not_found=True, first_asked_at=ago("7d")), 0, id="not found for a week"),
    pytest.param(
        situation(S.OUT_FOR_DELIVERY, status_at=ago("7d"), last_movement_at=ago("7d")), 0, id="no movement for a week"
    ),
    pytest.param(situation(S.DELIVERED), 0, id="delivered"),
    pytest.param(situation(S.PICKED_UP), 0, id="picked up"),
    pytest.param(situation(S.FAILURE), 0, id="failed"),
]


@pytest.mark.parametrize(("parcel", "worth"), PRIORITIES)
def test_priority(parcel: Situation, worth: int) -> None:
    assert priority(parcel, NOW) == worth


# What holds of every situation --------------------------------------------------------------------------

waits = st.integers(1, 100).map(lambda hours: timedelta(hours=hours))
pasts = st.integers(0, 120 * 24).map(lambda hours: NOW - timedelta(hours=hours))
chances = st.floats(0, 1, exclude_max=True)
cadences = st.builds(
    lambda minimum, more, interval, jitter, slow_down: Cadence(
        minimum=minimum, maximum=minimum + more, in_transit=interval, jitter=jitter, slow_down=slow_down
    ),
    waits,
    waits,
    waits,
    st.floats(0, 0.5),
    st.floats(1, 100),
)
situations = st.builds(
    Situation,
    st.one_of(st.none(), st.sampled_from(FulfillmentStatus)),
    st.one_of(st.none(), pasts),
    st.one_of(st.none(), pasts),
    pasts,
    st.one_of(st.none(), pasts),
    st.booleans(),
    st.integers(0, 50),
    st.one_of(st.none(), pasts, st.just(NOW + timedelta(days=2))),
)


@given(situations, cadences, chances)
def test_the_next_question_is_later_and_within_bounds(parcel: Situation, cadence: Cadence, chance: float) -> None:
    due = next_poll(parcel, NOW, cadence, chance)
    if due is None:
        return
    assert due >= NOW + cadence.minimum
    if parcel.status not in ENDED:
        assert due <= NOW + cadence.maximum
    else:
        assert due <= NOW + cadence.late_looks_failure[-1] * 1.5 + cadence.minimum


@given(situations, st.integers(0, 5))
def test_an_error_more_never_makes_it_sooner(parcel: Situation, more: int) -> None:
    due = next_poll(parcel, NOW, DEFAULTS, MIDDLE)
    later = next_poll(parcel._replace(failures=parcel.failures + more), NOW, DEFAULTS, MIDDLE)
    assert (due is None) == (later is None)
    assert due is None or later is None or later >= due


@given(situations, st.integers(0, 60 * 24))
def test_a_longer_silence_never_makes_it_sooner(parcel: Situation, hours: int) -> None:
    longer = timedelta(hours=hours)
    if parcel.status in ENDED:
        return
    quieter = parcel._replace(
        first_asked_at=parcel.first_asked_at - longer,
        last_movement_at=parcel.last_movement_at and parcel.last_movement_at - longer,
        status_at=parcel.status_at and parcel.status_at - longer,
    )
    due, later = (next_poll(each, NOW, DEFAULTS, MIDDLE) for each in (parcel, quieter))
    assert later is None or (due is not None and later >= due)


@given(situations, chances)
def test_polling_ends_for_every_parcel(parcel: Situation, chance: float) -> None:
    now, polls = NOW, 0
    while (due := next_poll(parcel, now, DEFAULTS, chance)) is not None:
        now, polls = due, polls + 1
        assert polls < 500
    assert now <= NOW + timedelta(days=62)


@given(situations)
def test_priority_is_one_of_four(parcel: Situation) -> None:
    assert priority(parcel, NOW) in range(4)


# As config.yaml has it ----------------------------------------------------------------------------------


def test_every_open_status_has_an_interval() -> None:
    for status in CARRIER_STATUSES - ENDED:
        assert isinstance(getattr(DEFAULTS, status.lower()), timedelta)


def test_every_setting_is_described() -> None:
    assert all(field.description for field in Cadence.model_fields.values())
    settings = Cadence.model_json_schema(schema_generator=DurationSchema)["properties"]
    assert settings["in_transit"]["default"] == "4h"
    assert settings["late_looks_failure"]["default"] == ["1d", "3d", "7d"]
    assert settings["jitter"]["default"] == 0.1


def test_a_cadence_reads_and_writes_durations() -> None:
    cadence = Cadence.model_validate({"in_transit": "1h", "late_looks_received": ["12h", "2d"]})
    assert cadence.in_transit == timedelta(hours=1)
    assert Cadence.model_validate_json(cadence.model_dump_json()) == cadence


REFUSED = [
    pytest.param({"in_transit": 4}, 'expected one like "90s", "30m", "4h", "2d"', id="a bare number"),
    pytest.param({"in_transit": "4 hours"}, "'4 hours' is no duration", id="words"),
    pytest.param({"in_transit": "-4h"}, "is no duration", id="negative"),
    pytest.param({"in_transit": ""}, "is no duration", id="empty"),
    pytest.param({"in_transit": True}, "True is no duration", id="true"),
    pytest.param({"intransit": "4h"}, "Extra inputs are not permitted", id="a setting there is not"),
    pytest.param({"minimum": "0s"}, "minimum must be above 0", id="no minimum"),
    pytest.param({"minimum": "2d"}, "must not be below minimum", id="minimum above maximum"),
    pytest.param({"late_looks_failure": ["3d", "1d"]}, "late_looks_failure must grow", id="looks out of order"),
    pytest.param({"give_up_unknown": "61d"}, "must not be above stop_silent", id="stops before it gives up"),
    pytest.param({"jitter": 0.6}, "less than or equal to 0.5", id="too much jitter"),
    pytest.param({"slow_down": 0.5}, "greater than or equal to 1", id="slower than its own silence"),
]


@pytest.mark.parametrize(("settings", "message"), REFUSED)
def test_a_wrong_setting_says_what_is_expected(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Cadence.model_validate(settings)


DURATIONS = [
    ("0s", timedelta()),
    ("90s", timedelta(seconds=90)),
    ("30m", timedelta(minutes=30)),
    ("4h", timedelta(hours=4)),
    ("2d", timedelta(days=2)),
    ("2w", timedelta(days=14)),
    (" 1d 12h ", timedelta(hours=36)),
    ("1d12h", timedelta(hours=36)),
]


@pytest.mark.parametrize(("text", "duration"), DURATIONS)
def test_a_duration_is_read(text: str, duration: timedelta) -> None:
    assert read_duration(text) == duration


@given(st.integers(0, 10_000_000).map(lambda seconds: timedelta(seconds=seconds)))
def test_a_duration_written_reads_the_same(duration: timedelta) -> None:
    assert read_duration(write_duration(duration)) == duration
