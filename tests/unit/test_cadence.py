"""When to ask again: intervals as tables, and what holds of every situation."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from carriers.sdk import FulfillmentStatus
from carriers.sdk.status import CARRIER_STATUSES, ENDED
from tracker.cadence import Cadence, Hazards, Situation, gives_up, next_look, priority
from tracker.durations import DurationSchema, read_duration, write_duration

S = FulfillmentStatus
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
DEFAULTS = Cadence()
SHIPPED = Hazards()
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


def look(
    parcel: Situation, chance: float = MIDDLE, cadence: Cadence = DEFAULTS, now: datetime = NOW
) -> datetime | None:
    """When it is asked about next, having been asked about now."""
    return next_look(parcel, now, cadence=cadence, hazards=SHIPPED, price=0.15, chance=chance).at


PATIENCE = [
    pytest.param(situation(None, not_found=True), "4h", id="not found, fresh"),
    pytest.param(situation(None, not_found=True, first_asked_at=ago("2d")), "12h", id="not found after two days"),
    pytest.param(situation(S.LABEL_PRINTED, not_found=True), "4h", id="imported status, not found"),
    pytest.param(situation(S.OUT_FOR_DELIVERY, not_found=True), "4h", id="known once, not found now"),
    pytest.param(situation(S.IN_TRANSIT, failures=8), "24h", id="errors"),
    pytest.param(situation(S.IN_TRANSIT, failures=100_000), "24h", id="errors without end"),
]


@pytest.mark.parametrize(("parcel", "wait"), PATIENCE)
def test_patience_waits_at_least_so_long(parcel: Situation, wait: str) -> None:
    due = look(parcel)
    assert due is not None
    assert due >= ahead(wait)


@pytest.mark.parametrize(
    ("parcel", "setting"),
    [
        (situation(S.ATTEMPTED_DELIVERY), "trouble"),
        (situation(S.ON_HOLD), "trouble"),
        (situation(S.READY_FOR_PICKUP), "trouble"),
        (situation(S.IN_TRANSIT, estimated_delivery=ago("1h")), "overdue"),
    ],
)
def test_however_high_the_price_nobody_waits_longer(parcel: Situation, setting: str) -> None:
    cadence = Cadence(jitter=0)
    due = next_look(parcel, NOW, cadence=cadence, hazards=SHIPPED, price=9000.0).at
    assert due == NOW + getattr(cadence, setting)


def test_a_quiet_parcel_is_asked_about_ever_more_rarely() -> None:
    waits = []
    for silence in ("8d", "20d", "40d"):
        since = ago(silence)
        due = look(situation(S.IN_TRANSIT, status_at=since, last_movement_at=since, first_asked_at=ago("50d")))
        assert due is not None
        waits.append(due - NOW)
    assert waits == sorted(waits)
    assert waits[0] >= timedelta(hours=23)


def test_a_later_status_breaks_the_silence_without_a_movement() -> None:
    held = situation(S.ON_HOLD, status_at=ago("1h"), last_movement_at=ago("61d"), first_asked_at=ago("70d"))
    assert look(held) is not None


def test_chance_spreads_what_would_come_due_together() -> None:
    parcel = situation(S.IN_TRANSIT)
    early, late, alike = look(parcel, 0.0), look(parcel, 0.9), look(parcel, 0.0, Cadence(jitter=0))
    assert early is not None
    assert late is not None
    assert early < late
    assert alike == look(parcel, 0.9, Cadence(jitter=0))


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
    assert look(parcel, 0.0) == due


def test_late_looks_count_from_our_first_question_where_nobody_knows_the_end() -> None:
    parcel = situation(S.DELIVERED, status_at=None)
    assert look(parcel, 0.0) == ago("1d") + read_duration("3d")


def test_no_late_looks_where_none_are_wanted() -> None:
    assert look(situation(S.DELIVERED), cadence=Cadence(late_looks_received=())) is None


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
    assert (look(parcel, MIDDLE) is None) is given_up


@pytest.mark.parametrize("status", sorted(CARRIER_STATUSES - ENDED))
def test_silent_for_too_long_is_asked_no_more(status: FulfillmentStatus) -> None:
    for silence, asked in (("59d", True), ("60d", False)):
        parcel = situation(status, status_at=ago(silence), last_movement_at=ago(silence), first_asked_at=ago("90d"))
        assert (look(parcel, MIDDLE) is not None) is asked


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
    lambda minimum, more, jitter: Cadence(
        **{"minimum": minimum, "jitter": jitter},
        **dict.fromkeys(("longest", "trouble", "overdue", "quiet"), minimum + more),
    ),
    waits,
    waits,
    st.floats(0, 0.5),
)
situations = st.tuples(
    st.one_of(st.none(), st.sampled_from(FulfillmentStatus)),
    st.one_of(st.none(), pasts),
    st.one_of(st.none(), pasts),
    pasts,
    st.one_of(st.none(), pasts),
    st.booleans(),
    st.integers(0, 50),
    st.one_of(st.none(), pasts, st.just(NOW + timedelta(days=2))),
).map(lambda facts: Situation(*facts))


@given(situations, cadences, chances)
def test_the_next_question_is_later_and_within_bounds(parcel: Situation, cadence: Cadence, chance: float) -> None:
    due = look(parcel, chance, cadence)
    if due is None:
        return
    assert due >= NOW + cadence.minimum
    if parcel.status in ENDED:
        assert due <= NOW + cadence.late_looks_failure[-1] * 1.5 + cadence.minimum
    elif not parcel.not_found:
        assert due <= NOW + max(cadence.longest, timedelta(days=16), cadence.minimum * 1024) * 1.25


@given(situations, st.integers(0, 5))
def test_an_error_more_never_makes_it_sooner(parcel: Situation, more: int) -> None:
    due = look(parcel)
    later = look(parcel._replace(failures=parcel.failures + more))
    assert (due is None) == (later is None)
    assert due is None or later is None or later >= due


@given(situations, chances)
def test_polling_ends_for_every_parcel(parcel: Situation, chance: float) -> None:
    now, polls = NOW, 0
    while (due := look(parcel, chance, now=now)) is not None:
        now, polls = due, polls + 1
        assert polls < 500
    assert now <= NOW + timedelta(days=90)


@given(situations)
def test_priority_is_one_of_four(parcel: Situation) -> None:
    assert priority(parcel, NOW) in range(4)


# As config.yaml has it ----------------------------------------------------------------------------------


def test_every_setting_is_described() -> None:
    assert all(field.description for field in Cadence.model_fields.values())
    settings = Cadence.model_json_schema(schema_generator=DurationSchema)["properties"]
    assert settings["unknown"]["default"] == "4h"
    assert settings["late_looks_failure"]["default"] == ["1d", "3d", "7d"]
    assert settings["jitter"]["default"] == 0.1


def test_a_cadence_reads_and_writes_durations() -> None:
    cadence = Cadence.model_validate({"unknown": "1h", "late_looks_received": ["12h", "2d"]})
    assert cadence.unknown == timedelta(hours=1)
    assert Cadence.model_validate_json(cadence.model_dump_json()) == cadence


REFUSED = [
    pytest.param({"unknown": 4}, 'expected one like "90s", "30m", "4h", "2d"', id="a bare number"),
    pytest.param({"unknown": "4 hours"}, "'4 hours' is no duration", id="words"),
    pytest.param({"unknown": "-4h"}, "is no duration", id="negative"),
    pytest.param({"unknown": ""}, "is no duration", id="empty"),
    pytest.param({"unknown": True}, "True is no duration", id="true"),
    pytest.param({"unknwon": "4h"}, "Extra inputs are not permitted", id="a setting there is not"),
    pytest.param({"minimum": "0s"}, "minimum must be above 0", id="no minimum"),
    pytest.param({"minimum": "2d"}, r"trouble \(1 day.*\) must not be below minimum", id="minimum above another"),
    pytest.param({"late_looks_failure": ["3d", "1d"]}, "late_looks_failure must grow", id="looks out of order"),
    pytest.param({"give_up_unknown": "61d"}, "must not be above stop_silent", id="stops before it gives up"),
    pytest.param({"jitter": 0.6}, "less than or equal to 0.5", id="too much jitter"),
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
