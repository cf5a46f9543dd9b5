"""The rules of the timeline as tables: events in, status out. Events are written newest first, as carriers do."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Literal
from zoneinfo import ZoneInfo

import pytest

from carriers.sdk import (
    INFORMATIONAL,
    AccountError,
    AmbiguousShipment,
    ApiKey,
    Call,
    Carrier,
    Codes,
    Effect,
    Event,
    FulfillmentStatus,
    Info,
    InvalidNumber,
    Meaning,
    NotFound,
    Place,
    Reply,
    Report,
    Shipment,
    Summary,
    TrackingNumber,
    ZoneSource,
    read,
    tracking_number,
)
from tracker.timeline import (
    ParcelStatus,
    RollUp,
    choose,
    event_key,
    fold,
    relevant,
    remap,
    roll_up,
)

S = FulfillmentStatus
DAY = datetime(2026, 3, 2, tzinfo=UTC)
RETURNING = Meaning(S.FAILURE, Effect.RETURN)
CORRECTED = Meaning(S.DELAYED, Effect.REOPEN)
UNCOLLECTED = Meaning(S.READY_FOR_PICKUP, Effect.REOPEN)
UNSCANNED = Meaning(S.IN_TRANSIT, Effect.STILL)

Word = FulfillmentStatus | Meaning | None


def at(clock: str, day: int = 0) -> datetime:
    """An instant: `clock` as HH:MM in UTC, `day` days after the first."""
    hours, minutes = clock.split(":")
    return DAY + timedelta(days=day, hours=int(hours), minutes=int(minutes))


def meaning(word: Word) -> Meaning | None:
    return Meaning(word) if isinstance(word, FulfillmentStatus) else word


def event(clock: str, word: Word, code: str = "X", text: str = "", *, day: int = 0, coarse: Word = None) -> Event:
    return Event(at(clock, day), ZoneSource.GIVEN, code, meaning(word), text, coarse=meaning(coarse))


def shipment(*events: Event, summary: Word | Literal["none"] = "none", promised: datetime | None = None) -> Shipment:
    """`summary`: what the carrier's own word means; "none" where it has none."""
    said = None if summary == "none" else Summary("SUM", meaning(summary), "In words")
    return Shipment(events, said, promised)


NEWEST_DECIDES = [
    pytest.param([], None, id="no events, nothing known"),
    pytest.param([event("08:00", S.CONFIRMED)], S.CONFIRMED, id="a label"),
    pytest.param([event("09:00", S.IN_TRANSIT), event("08:00", S.CARRIER_PICKED_UP)], S.IN_TRANSIT, id="newest first"),
    pytest.param(
        [event("08:00", S.CARRIER_PICKED_UP), event("09:00", S.IN_TRANSIT)],
        S.IN_TRANSIT,
        id="oldest first: the instant decides, not the position",
    ),
    pytest.param(
        [event("09:00", S.OUT_FOR_DELIVERY, "B"), event("09:00", S.IN_TRANSIT, "A")],
        S.OUT_FOR_DELIVERY,
        id="one instant: the carrier's order decides",
    ),
    pytest.param(
        [event("10:00", INFORMATIONAL), event("09:00", S.OUT_FOR_DELIVERY)],
        S.OUT_FOR_DELIVERY,
        id="a notice changes nothing",
    ),
    pytest.param([event("10:00", S.IN_TRANSIT), event("09:00", S.DELAYED)], S.IN_TRANSIT, id="a scan clears a delay"),
    pytest.param([event("10:00", S.IN_TRANSIT), event("09:00", S.ON_HOLD)], S.IN_TRANSIT, id="a scan clears a hold"),
    pytest.param(
        [event("10:00", S.OUT_FOR_DELIVERY), event("09:00", S.FAILURE)],
        S.OUT_FOR_DELIVERY,
        id="a scan clears a failure that is no return",
    ),
    pytest.param([event("10:00", S.DELIVERED), event("09:00", S.FAILURE)], S.DELIVERED, id="delivered after a refusal"),
    pytest.param(
        [event("10:36", S.CONFIRMED, "OC"), event("00:00", S.CARRIER_PICKED_UP, "PU")],
        S.CARRIER_PICKED_UP,
        id="label data booked after the pickup, which came with a bare date",
    ),
    pytest.param([event("10:00", UNSCANNED), event("09:00", S.CONFIRMED)], S.IN_TRANSIT, id="said without a scan"),
]


@pytest.mark.parametrize(("events", "status"), NEWEST_DECIDES)
def test_newest_event_decides(events: list[Event], status: FulfillmentStatus | None) -> None:
    assert fold(shipment(*events)).status is status


STICKY = [
    pytest.param([event("10:00", S.IN_TRANSIT), event("09:00", S.DELIVERED)], S.DELIVERED, "09:00", id="late upload"),
    pytest.param(
        [event("10:00", S.IN_TRANSIT), event("09:00", S.PICKED_UP)], S.PICKED_UP, "09:00", id="late after pick-up"
    ),
    pytest.param(
        [event("10:00", S.CONFIRMED), event("09:00", S.DELIVERED)], S.DELIVERED, "09:00", id="late label data"
    ),
    pytest.param(
        [event("09:04", S.OUT_FOR_DELIVERY), event("09:00", S.DELIVERED)],
        S.DELIVERED,
        "09:00",
        id="delivery booked before the round begins",
    ),
    pytest.param(
        [event("09:00", S.OUT_FOR_DELIVERY, "OD"), event("09:00", S.DELIVERED, "DL")],
        S.DELIVERED,
        "09:00",
        id="both at one instant, out for delivery listed as newer",
    ),
    pytest.param(
        [event("10:00", S.READY_FOR_PICKUP), event("09:00", S.DELIVERED)], S.DELIVERED, "09:00", id="ready afterwards"
    ),
    pytest.param(
        [event("15:00", S.DELIVERED), event("09:00", S.DELIVERED)], S.DELIVERED, "09:00", id="proof of delivery later"
    ),
    pytest.param(
        [event("09:10", S.FAILURE), event("09:00", S.DELIVERED)], S.DELIVERED, "09:00", id="failure of the same visit"
    ),
    pytest.param(
        [event("09:00", S.DELIVERED), event("08:55", S.ATTEMPTED_DELIVERY)],
        S.DELIVERED,
        "09:00",
        id="attempt just before",
    ),
    pytest.param(
        [event("10:00", None, coarse=S.IN_TRANSIT), event("09:00", S.DELIVERED)],
        S.DELIVERED,
        "09:00",
        id="an unmapped event afterwards",
    ),
]


@pytest.mark.parametrize(("events", "status", "since"), STICKY)
def test_received_is_received(events: list[Event], status: FulfillmentStatus, since: str) -> None:
    line = fold(shipment(*events))
    assert (line.status, line.status_at, line.delivered_at) == (status, at(since), at(since))


REOPENED = [
    pytest.param([event("10:00", RETURNING), event("09:00", S.DELIVERED)], S.FAILURE, None, id="return"),
    pytest.param([event("09:01", RETURNING), event("09:00", S.DELIVERED)], S.FAILURE, None, id="return at once"),
    pytest.param([event("09:05", CORRECTED), event("09:00", S.DELIVERED)], S.DELAYED, None, id="correction"),
    pytest.param(
        [event("11:00", S.IN_TRANSIT), event("09:05", CORRECTED), event("09:00", S.DELIVERED)],
        S.IN_TRANSIT,
        None,
        id="correction, then on its way again",
    ),
    pytest.param(
        [event("12:00", S.DELIVERED), event("09:05", CORRECTED), event("09:00", S.DELIVERED)],
        S.DELIVERED,
        at("12:00"),
        id="correction, then truly delivered",
    ),
    pytest.param(
        [event("10:00", UNCOLLECTED), event("09:00", S.DELIVERED)], S.READY_FOR_PICKUP, None, id="still at the counter"
    ),
    pytest.param(
        [event("09:11", S.FAILURE), event("09:00", S.DELIVERED)], S.FAILURE, at("09:00"), id="claim: delivery is a fact"
    ),
    pytest.param(
        [event("13:00", S.IN_TRANSIT), event("12:00", S.FAILURE), event("09:00", S.DELIVERED)],
        S.FAILURE,
        at("09:00"),
        id="late upload after a claim",
    ),
    pytest.param(
        [event("13:00", S.DELIVERED), event("12:00", S.FAILURE), event("09:00", S.DELIVERED)],
        S.DELIVERED,
        at("13:00"),
        id="delivered again after a claim",
    ),
    pytest.param(
        [event("18:00", S.PICKED_UP), event("09:00", S.DELIVERED)],
        S.PICKED_UP,
        at("09:00"),
        id="left in a locker, then collected",
    ),
]


@pytest.mark.parametrize(("events", "status", "delivered_at"), REOPENED)
def test_what_changes_a_receipt(events: list[Event], status: FulfillmentStatus, delivered_at: datetime | None) -> None:
    line = fold(shipment(*events))
    assert (line.status, line.delivered_at) == (status, delivered_at)
    assert line.status_at == max(e.occurred_at for e in events if e.meaning and e.meaning.status is status)


@pytest.mark.parametrize("later", [S.DELIVERED, S.PICKED_UP, S.IN_TRANSIT, S.OUT_FOR_DELIVERY, CORRECTED, S.FAILURE])
def test_everything_on_a_return_leg_is_failure(later: Word) -> None:
    line = fold(
        shipment(
            event("16:00", later, "DL", "Delivered", day=3),
            event("10:00", RETURNING, "RS", "Returning to sender"),
            event("09:00", S.FAILURE, "DE", "Refused"),
        )
    )
    assert (line.status, line.returning, line.delivered_at) == (S.FAILURE, True, None)
    assert (line.status_at, line.reason) == (at("10:00"), "returning: RS: Returning to sender")


UNMAPPED = [
    pytest.param([event("09:00", None, coarse=S.DELIVERED)], "none", S.DELIVERED, id="its coarse word"),
    pytest.param(
        [event("09:00", None, coarse=S.ON_HOLD)], S.IN_TRANSIT, S.ON_HOLD, id="its coarse word before the summary"
    ),
    pytest.param(
        [event("09:00", S.IN_TRANSIT, coarse=S.DELIVERED)], "none", S.IN_TRANSIT, id="coarse word of a mapped event"
    ),
    pytest.param(
        [event("09:00", None), event("08:00", S.IN_TRANSIT)], S.OUT_FOR_DELIVERY, S.OUT_FOR_DELIVERY, id="the summary"
    ),
    pytest.param(
        [event("10:00", INFORMATIONAL), event("09:00", None), event("08:00", S.IN_TRANSIT)],
        S.OUT_FOR_DELIVERY,
        S.OUT_FOR_DELIVERY,
        id="the summary, a notice being the newest",
    ),
    pytest.param([event("09:00", None), event("08:00", S.IN_TRANSIT)], "none", S.IN_TRANSIT, id="no summary: stays"),
    pytest.param(
        [event("09:00", None), event("08:00", S.IN_TRANSIT)], None, S.IN_TRANSIT, id="unmapped summary: stays"
    ),
    pytest.param(
        [event("09:00", None), event("08:00", S.IN_TRANSIT)],
        INFORMATIONAL,
        S.IN_TRANSIT,
        id="informational summary: stays",
    ),
    pytest.param(
        [event("09:00", S.OUT_FOR_DELIVERY), event("08:00", None)],
        S.IN_TRANSIT,
        S.OUT_FOR_DELIVERY,
        id="an older unmapped event does not call the summary",
    ),
    pytest.param(
        [event("09:00", None), event("08:00", S.DELIVERED)], S.IN_TRANSIT, S.DELIVERED, id="a summary does not reopen"
    ),
    pytest.param(
        [event("09:00", None), event("08:00", S.DELIVERED)], RETURNING, S.FAILURE, id="a summary can tell of a return"
    ),
    pytest.param([event("09:00", INFORMATIONAL)], S.CONFIRMED, S.CONFIRMED, id="only notices: summary"),
    pytest.param([], S.IN_TRANSIT, S.IN_TRANSIT, id="no events: summary"),
    pytest.param([], None, None, id="no events, unmapped summary"),
]


@pytest.mark.parametrize(("events", "summary", "status"), UNMAPPED)
def test_what_decides_where_codes_are_unmapped(
    events: list[Event], summary: Word | Literal["none"], status: FulfillmentStatus | None
) -> None:
    assert fold(shipment(*events, summary=summary)).status is status


def test_summary_says_so_in_the_reason_and_proves_no_movement() -> None:
    line = fold(shipment(event("09:00", None), event("08:00", S.IN_TRANSIT), summary=S.OUT_FOR_DELIVERY))
    assert line.reason == "summary SUM: In words"
    assert line.status_at == at("09:00")
    assert line.last_movement_at == at("08:00")


def test_delivered_by_summary_alone_has_no_instant() -> None:
    line = fold(shipment(event("09:00", INFORMATIONAL), summary=S.DELIVERED))
    assert (line.status, line.status_at, line.delivered_at) == (S.DELIVERED, None, None)


MOVEMENT = [
    pytest.param([event("09:00", S.CONFIRMED)], None, id="a label is none"),
    pytest.param([event("10:00", UNSCANNED), event("09:00", S.CARRIER_PICKED_UP)], "09:00", id="said without a scan"),
    pytest.param([event("10:00", S.ON_HOLD), event("09:00", S.IN_TRANSIT)], "09:00", id="a hold is none"),
    pytest.param([event("10:00", S.DELAYED), event("09:00", S.IN_TRANSIT)], "09:00", id="a delay is none"),
    pytest.param([event("10:00", S.FAILURE), event("09:00", S.IN_TRANSIT)], "09:00", id="a failure is none"),
    pytest.param([event("10:00", RETURNING), event("09:00", S.IN_TRANSIT)], "10:00", id="a return is one"),
    pytest.param([event("10:00", None), event("09:00", S.IN_TRANSIT)], "09:00", id="an unmapped event is none"),
    pytest.param([event("10:00", None, coarse=S.IN_TRANSIT)], "10:00", id="unmapped, with the carrier's coarse word"),
    pytest.param([event("12:00", S.IN_TRANSIT), event("09:00", S.DELIVERED)], "12:00", id="a late upload is one"),
]


@pytest.mark.parametrize(("events", "moved"), MOVEMENT)
def test_last_movement(events: list[Event], moved: str | None) -> None:
    assert fold(shipment(*events)).last_movement_at == (at(moved) if moved else None)


REASONS = [
    pytest.param(event("09:00", S.DELIVERED, "DL", "Delivered"), "DL: Delivered", id="code and wording"),
    pytest.param(event("09:00", S.FAILURE, "DE", "Refused"), "DE: Refused", id="why it failed"),
    pytest.param(event("09:00", S.DELIVERED, "DL"), "DL", id="code alone"),
    pytest.param(event("09:00", S.DELIVERED, "", "Delivered"), "Delivered", id="wording alone"),
]


@pytest.mark.parametrize(("said", "reason"), REASONS)
def test_reason(said: Event, reason: str) -> None:
    assert fold(shipment(said)).reason == reason


PROMISED = at("23:59")
OVERDUE = [
    pytest.param(event("09:00", S.CARRIER_PICKED_UP), 1, S.DELAYED, id="picked up"),
    pytest.param(event("09:00", S.IN_TRANSIT), 1, S.DELAYED, id="in transit"),
    pytest.param(event("09:00", S.OUT_FOR_DELIVERY), 1, S.DELAYED, id="out for delivery"),
    pytest.param(event("09:00", S.IN_TRANSIT), 0, S.IN_TRANSIT, id="the day is not over"),
    pytest.param(event("01:00", S.IN_TRANSIT, day=1), 1, S.IN_TRANSIT, id="moved since"),
    pytest.param(event("01:00", UNSCANNED, day=1), 1, S.DELAYED, id="only said to move since"),
    pytest.param(event("09:00", S.CONFIRMED), 1, S.CONFIRMED, id="never handed over"),
    pytest.param(event("09:00", S.ON_HOLD), 1, S.ON_HOLD, id="on hold"),
    pytest.param(event("09:00", S.READY_FOR_PICKUP), 1, S.READY_FOR_PICKUP, id="waits for the recipient"),
    pytest.param(event("09:00", S.DELIVERED), 1, S.DELIVERED, id="delivered"),
    pytest.param(event("09:00", S.FAILURE), 1, S.FAILURE, id="failed"),
]


@pytest.mark.parametrize(("said", "day", "status"), OVERDUE)
def test_overdue(said: Event, day: int, status: FulfillmentStatus) -> None:
    assert fold(shipment(said, promised=PROMISED), now=at("12:00", day)).status is status


def test_overdue_says_since_when_and_only_where_the_time_is_known() -> None:
    late = shipment(event("09:00", S.IN_TRANSIT), promised=PROMISED)
    line = fold(late, now=at("12:00", 1))
    assert (line.status_at, line.reason) == (at("00:00", 1), "overdue: promised by 2026-03-02")
    assert line.estimated_delivery == PROMISED
    assert fold(late).status is S.IN_TRANSIT


def test_late_within_the_promised_day_is_not_overdue() -> None:
    late = shipment(event("09:00", S.OUT_FOR_DELIVERY), promised=at("12:00"))
    assert fold(late, now=at("23:30")).status is S.OUT_FOR_DELIVERY
    assert fold(late, now=at("00:00", 1)).status is S.DELAYED


def test_earlier_events_complete_the_answer() -> None:
    answer = shipment(event("10:00", S.IN_TRANSIT, day=2))
    line = fold(answer, earlier=[event("09:00", RETURNING), event("08:00", S.CARRIER_PICKED_UP)])
    assert (line.status, line.returning) == (S.FAILURE, True)


def test_of_an_event_in_both_the_answers_reading_counts() -> None:
    said = event("10:00", S.READY_FOR_PICKUP, "HL")
    line = fold(shipment(said), earlier=[said._replace(meaning=Meaning(S.DELIVERED))])
    assert (line.status, line.delivered_at) == (S.READY_FOR_PICKUP, None)


# The mistakes of other trackers -------------------------------------------------------------------------


def test_hold_at_location_is_not_delivered_whatever_the_summary_says() -> None:
    held = event("09:00", S.READY_FOR_PICKUP, "HL", "Ready for recipient pickup")
    line = fold(shipment(held, summary=S.DELIVERED))
    assert (line.status, line.delivered_at) == (S.READY_FOR_PICKUP, None)


def test_carrier_pickup_is_neither_delivered_nor_a_label() -> None:
    line = fold(shipment(event("09:00", S.CARRIER_PICKED_UP, "PU"), event("08:00", S.CONFIRMED, "OC")))
    assert (line.status, line.delivered_at, line.last_movement_at) == (S.CARRIER_PICKED_UP, None, at("09:00"))


def test_out_for_delivery_scan_goes_before_a_summary_that_says_in_transit() -> None:
    assert fold(shipment(event("09:00", S.OUT_FOR_DELIVERY, "OD"), summary=S.IN_TRANSIT)).status is S.OUT_FOR_DELIVERY


def test_available_for_pickup_is_not_delayed_even_after_the_promised_day() -> None:
    waiting = shipment(event("09:00", S.READY_FOR_PICKUP), event("08:00", S.DELAYED), promised=PROMISED)
    assert fold(waiting, now=at("09:00", 4)).status is S.READY_FOR_PICKUP


def test_delivered_on_a_return_leg_is_not_delivered_to_the_customer() -> None:
    line = fold(shipment(event("09:00", S.DELIVERED, day=2), event("09:00", RETURNING)))
    assert (line.status, line.delivered_at) == (S.FAILURE, None)


def test_instants_and_not_wall_clocks_are_compared() -> None:
    honolulu = datetime(2026, 3, 2, 20, tzinfo=timezone(timedelta(hours=-10)))  # 06:00 UTC on the 3rd
    auckland = datetime(2026, 3, 3, 12, tzinfo=timezone(timedelta(hours=13)))  # 23:00 UTC on the 2nd
    left = Event(auckland, ZoneSource.GIVEN, "DP", Meaning(S.IN_TRANSIT))
    arrived = Event(honolulu, ZoneSource.ASSUMED, "DL", Meaning(S.DELIVERED))
    assert fold(shipment(left, arrived)).status_at == honolulu


def test_the_hour_that_autumn_repeats_is_read_in_order() -> None:
    zone = ZoneInfo("America/New_York")
    first = Event(datetime(2026, 11, 1, 1, 50, tzinfo=zone), ZoneSource.ASSUMED, "IT", Meaning(S.IN_TRANSIT))
    second = Event(
        datetime(2026, 11, 1, 1, 10, fold=1, tzinfo=zone), ZoneSource.ASSUMED, "OD", Meaning(S.OUT_FOR_DELIVERY)
    )
    assert fold(shipment(first, second)).status is S.OUT_FOR_DELIVERY


def test_an_empty_answer_is_nothing_known() -> None:
    line = fold(choose((), at("09:00")))
    assert (line.status, line.status_at, line.reason, line.last_movement_at) == (None, None, "", None)


@pytest.mark.parametrize("status", [401, 403, 408, 429, 500, 503])
def test_trouble_with_the_account_says_nothing_about_parcels(status: int) -> None:
    failure = Reply((), status, b"").failure()
    assert isinstance(failure, AccountError)
    assert not isinstance(failure, NotFound)


class Depot(Carrier):
    """A carrier whose answer is the numbers it knows, a line each; one it cannot read spoils its own line alone."""

    info = Info("depot", "Depot", "", ApiKey("X-Key"), "", None, "", batch=3)
    codes = Codes(DELIVERED="DL")

    def call(self, numbers: Sequence[TrackingNumber]) -> Call:
        return Call.get(numbers, "track")

    def parse(self, reply: Reply) -> Iterable[Report]:
        for line in reply.body.decode().splitlines():
            number, _, code = line.partition(" ")
            said = Event(at("09:00"), ZoneSource.GIVEN, code, self.codes.meaning(code))
            error = None if code else InvalidNumber("no such number")
            yield Report(tracking_number(number), () if error else (Shipment((said,)),), error)


def test_one_bad_number_does_not_spoil_its_batch() -> None:
    asked = tuple(tracking_number(number) for number in ("GOOD1", "BAD2", "GONE3"))
    good, bad, gone = read(Depot(), Reply(asked, 200, b"BAD2\nGOOD1 DL"))
    assert fold(choose(good.shipments, None)).status is S.DELIVERED
    assert isinstance(bad.error, InvalidNumber)
    assert isinstance(gone.error, NotFound)
    assert [fold(choose(report.shipments, None)).status for report in (bad, gone)] == [None, None]


# Which shipment (rule 5) --------------------------------------------------------------------------------


def shipped(day: int, id: str = "", month: int = 3) -> Shipment:
    return Shipment(shipped_on=date(2026, month, day), id=id)


def began(day: int) -> Shipment:
    return Shipment((event("18:00", S.IN_TRANSIT, day=day + 3), event("08:00", S.CARRIER_PICKED_UP, day=day)))


CHOICES = [
    pytest.param([shipped(1, "A"), shipped(20, "B")], at("12:00"), "A", 1, id="known id, though another is nearer"),
    pytest.param([shipped(1), shipped(20)], at("12:00"), "", 0, id="nearest ship date"),
    pytest.param([shipped(20), shipped(1)], at("12:00"), "", 1, id="nearest ship date, listed last"),
    pytest.param([began(40), began(1)], at("12:00"), "", 1, id="nearest first event"),
    pytest.param([began(40), shipped(3)], at("12:00"), "", 1, id="one by its events, one by its ship date"),
    pytest.param([shipped(2, "A"), shipped(20, "B")], at("12:00"), "C", 0, id="an id that is not there: nearest"),
    pytest.param([shipped(1), shipped(20)], None, "", 1, id="no date of ours: newest"),
    pytest.param([Shipment(), shipped(20)], at("12:00"), "", 1, id="one without any date"),
    pytest.param([shipped(1), shipped(2)], at("06:00"), "", 1, id="half a day nearer"),
    pytest.param([Shipment()], at("12:00"), "", 0, id="only one, without any date"),
    pytest.param([shipped(2, "A"), shipped(2, "A")], at("12:00"), "", 0, id="one shipment, twice"),
    pytest.param([Shipment(), Shipment()], None, "", 0, id="an empty shipment, twice"),
]


@pytest.mark.parametrize(("candidates", "fulfilled_at", "known_id", "chosen"), CHOICES)
def test_choose(candidates: Sequence[Shipment], fulfilled_at: datetime | None, known_id: str, chosen: int) -> None:
    if known_id == "A":
        candidates = candidates[::-1]
    assert choose(candidates, fulfilled_at, known_id) is candidates[chosen]


AMBIGUOUS = [
    pytest.param([shipped(2, "A"), shipped(2, "B")], at("12:00"), id="shipped on one day"),
    pytest.param([shipped(1, "A"), shipped(3, "B")], at("14:00"), id="a day before and a day after"),
    pytest.param([shipped(2, "A"), shipped(2, "B"), shipped(28, "C")], at("12:00"), id="two of three"),
    pytest.param([shipped(2, "A"), shipped(2, "B")], None, id="two newest"),
    pytest.param([Shipment(id="A"), Shipment(id="B")], at("12:00"), id="no dates at all"),
]


@pytest.mark.parametrize(("candidates", "fulfilled_at"), AMBIGUOUS)
def test_equally_likely_shipments_are_not_guessed(
    candidates: Sequence[Shipment], fulfilled_at: datetime | None
) -> None:
    with pytest.raises(AmbiguousShipment, match="shipments under the number"):
        choose(candidates, fulfilled_at, "elsewhere")


MONTH = timedelta(days=30)


def test_events_long_before_the_fulfillment_are_another_parcels() -> None:
    ours, theirs = event("09:00", S.IN_TRANSIT, day=40), event("09:00", S.DELIVERED)
    answer = Shipment((ours, theirs), Summary("IT", Meaning(S.IN_TRANSIT)), id="A")
    kept = relevant(answer, at("09:00", 41), MONTH)
    assert kept == replace(answer, events=(ours,))
    assert fold(kept).status is S.IN_TRANSIT


def test_an_answer_all_about_another_parcel_says_nothing() -> None:
    answer = Shipment(
        (event("09:00", S.DELIVERED),), Summary("DL", Meaning(S.DELIVERED)), PROMISED, "A", date(2026, 3, 1)
    )
    assert relevant(answer, at("09:00", 31), MONTH) == Shipment()
    assert relevant(replace(answer, events=()), at("09:00", 90), MONTH) == Shipment()


@pytest.mark.parametrize(
    ("answer", "fulfilled_at"),
    [
        pytest.param(shipment(event("09:00", S.IN_TRANSIT)), at("09:00", 30), id="just within the margin"),
        pytest.param(shipment(event("09:00", S.IN_TRANSIT)), None, id="no date of ours"),
        pytest.param(shipment(event("09:00", S.IN_TRANSIT, day=50)), at("09:00"), id="shipped much later"),
        pytest.param(shipment(summary=S.CONFIRMED), at("09:00"), id="no events at all"),
    ],
)
def test_an_answer_about_our_parcel_is_left_alone(answer: Shipment, fulfilled_at: datetime | None) -> None:
    assert relevant(answer, fulfilled_at, MONTH) is answer


# Identity (rule 4) and the merchant's mapping (rule 9) --------------------------------------------------

SCAN = Event(at("09:00"), ZoneSource.GIVEN, "AR", Meaning(S.IN_TRANSIT), "Arrived", Place("Reno", "NV", "", "US"))


@pytest.mark.parametrize(
    "same",
    [
        pytest.param(SCAN._replace(occurred_at=SCAN.occurred_at.astimezone(ZoneInfo("Asia/Tokyo"))), id="zone"),
        pytest.param(SCAN._replace(description="At the hub", meaning=None), id="wording and meaning"),
    ],
)
def test_event_key_stays(same: Event) -> None:
    assert event_key(same) == event_key(SCAN)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(SCAN._replace(occurred_at=SCAN.occurred_at + timedelta(seconds=1)), id="instant"),
        pytest.param(SCAN._replace(code="DP"), id="code"),
        pytest.param(SCAN._replace(place=Place("Elko", "NV", "", "US")), id="place"),
        pytest.param(SCAN._replace(place=None), id="no place"),
    ],
)
def test_event_key_differs(other: Event) -> None:
    assert event_key(other) != event_key(SCAN)


def test_event_key_is_the_same_in_every_run() -> None:
    assert event_key(SCAN) == "4f08e3045834ee53"
    assert event_key(SCAN._replace(place=None)) == event_key(SCAN._replace(place=Place()))


REMAPPED = [
    pytest.param({"AR": Meaning(S.ON_HOLD)}, S.ON_HOLD, id="by code"),
    pytest.param({" ar ": Meaning(S.ON_HOLD)}, S.ON_HOLD, id="by code as people write it"),
    pytest.param({"arrived  AT hub": Meaning(S.DELAYED)}, S.DELAYED, id="by whole text"),
    pytest.param({"Arrived": Meaning(S.DELAYED)}, S.IN_TRANSIT, id="never by a part of the text"),
    pytest.param({"AR": Meaning(S.ON_HOLD), "Arrived at hub": Meaning(S.DELAYED)}, S.DELAYED, id="text before code"),
    pytest.param({"DP": Meaning(S.DELAYED)}, S.IN_TRANSIT, id="another code"),
    pytest.param({}, S.IN_TRANSIT, id="no mapping"),
]


@pytest.mark.parametrize(("mapping", "status"), REMAPPED)
def test_the_merchants_mapping_stands_over_the_table(mapping: dict[str, Meaning], status: FulfillmentStatus) -> None:
    answer = shipment(SCAN._replace(description="Arrived at hub"))
    assert fold(remap(answer, mapping)).status is status


def test_the_merchants_mapping_reads_unmapped_codes_and_the_summary() -> None:
    answer = Shipment((event("09:00", None, "ZZ"),), Summary("YY", None))
    assert fold(remap(answer, {"zz": Meaning(S.DELIVERED)})).status is S.DELIVERED
    assert fold(remap(answer, {"yy": Meaning(S.ON_HOLD)})).status is S.ON_HOLD
    assert remap(answer, {"zz": Meaning(S.DELIVERED)}).unmapped == ("YY",)


# Several parcels ----------------------------------------------------------------------------------------


def parcel(status: FulfillmentStatus | None, clock: str = "09:00", *, moved: bool | None = None) -> ParcelStatus:
    went = status not in (None, S.CONFIRMED, S.LABEL_PRINTED) if moved is None else moved
    return ParcelStatus(status, at(clock) if status else None, f"{status} at {clock}", went)


A, L, M = RollUp.ATTENTION, RollUp.LEAST_ADVANCED, RollUp.MOST_ADVANCED
ROLL_UPS = [
    # parcels, then the fulfillment by: attention, least advanced, most advanced
    pytest.param([S.IN_TRANSIT], S.IN_TRANSIT, S.IN_TRANSIT, S.IN_TRANSIT, id="one parcel"),
    pytest.param([S.CARRIER_PICKED_UP], S.CARRIER_PICKED_UP, S.CARRIER_PICKED_UP, S.CARRIER_PICKED_UP, id="one, early"),
    pytest.param([S.DELIVERED, S.DELIVERED], S.DELIVERED, S.DELIVERED, S.DELIVERED, id="all delivered"),
    pytest.param([S.PICKED_UP, S.PICKED_UP], S.PICKED_UP, S.PICKED_UP, S.PICKED_UP, id="all collected"),
    pytest.param([S.PICKED_UP, S.DELIVERED], S.DELIVERED, S.DELIVERED, S.DELIVERED, id="some collected"),
    pytest.param([S.DELIVERED, S.FAILURE], S.FAILURE, S.FAILURE, S.DELIVERED, id="one failed"),
    pytest.param([S.FAILURE, S.FAILURE], S.FAILURE, S.FAILURE, S.FAILURE, id="all failed"),
    pytest.param([S.FAILURE, S.ATTEMPTED_DELIVERY], S.FAILURE, S.FAILURE, S.ATTEMPTED_DELIVERY, id="failure first"),
    pytest.param(
        [S.ON_HOLD, S.ATTEMPTED_DELIVERY], S.ATTEMPTED_DELIVERY, S.ON_HOLD, S.ATTEMPTED_DELIVERY, id="attempt > hold"
    ),
    pytest.param([S.READY_FOR_PICKUP, S.ON_HOLD], S.ON_HOLD, S.ON_HOLD, S.READY_FOR_PICKUP, id="hold > ready"),
    pytest.param([S.DELAYED, S.READY_FOR_PICKUP], S.READY_FOR_PICKUP, S.DELAYED, S.READY_FOR_PICKUP, id="ready > late"),
    pytest.param([S.OUT_FOR_DELIVERY, S.DELAYED], S.DELAYED, S.DELAYED, S.OUT_FOR_DELIVERY, id="late > on its way"),
    pytest.param([S.CONFIRMED, S.CONFIRMED], S.CONFIRMED, S.CONFIRMED, S.CONFIRMED, id="labels"),
    pytest.param([S.CONFIRMED, S.CARRIER_PICKED_UP], S.IN_TRANSIT, S.CONFIRMED, S.CARRIER_PICKED_UP, id="one moved"),
    pytest.param([S.CONFIRMED, S.DELIVERED], S.IN_TRANSIT, S.CONFIRMED, S.DELIVERED, id="one there, one not begun"),
    pytest.param([S.IN_TRANSIT, S.OUT_FOR_DELIVERY], S.IN_TRANSIT, S.IN_TRANSIT, S.OUT_FOR_DELIVERY, id="behind"),
    pytest.param(
        [S.OUT_FOR_DELIVERY, S.DELIVERED], S.OUT_FOR_DELIVERY, S.OUT_FOR_DELIVERY, S.DELIVERED, id="the rest follows"
    ),
    pytest.param([None, S.CONFIRMED], S.CONFIRMED, S.CONFIRMED, S.CONFIRMED, id="one unknown, one label"),
    pytest.param([None, S.OUT_FOR_DELIVERY], S.IN_TRANSIT, S.CONFIRMED, S.OUT_FOR_DELIVERY, id="unknown and moved"),
    pytest.param([None, S.DELIVERED], S.IN_TRANSIT, S.CONFIRMED, S.DELIVERED, id="one unknown, one there"),
    pytest.param([S.LABEL_PRINTED, S.CONFIRMED], S.CONFIRMED, S.CONFIRMED, S.CONFIRMED, id="an imported word"),
    pytest.param([S.LABEL_PRINTED], None, None, None, id="an imported word alone stands by itself"),
    pytest.param([None, None], None, None, None, id="nothing known: the imported status stands"),
    pytest.param([], None, None, None, id="no parcels"),
]


@pytest.mark.parametrize(("statuses", "attention", "least", "most"), ROLL_UPS)
def test_roll_up(
    statuses: list[FulfillmentStatus | None],
    attention: FulfillmentStatus | None,
    least: FulfillmentStatus | None,
    most: FulfillmentStatus | None,
) -> None:
    for ordered in (statuses, statuses[::-1]):
        parcels = [parcel(status) for status in ordered]
        results = [roll_up(parcels, rule) for rule in (A, L, M)]
        assert [result and result.status for result in results] == [attention, least, most]


def test_moved_is_what_the_caller_says_it_is() -> None:
    unmoved = [parcel(S.CONFIRMED, moved=False), parcel(S.CONFIRMED, moved=True)]
    result = roll_up(unmoved)
    assert result is not None
    assert (result.status, result.moved) == (S.IN_TRANSIT, True)


DECIDING = [
    pytest.param([(S.DELIVERED, "09:00"), (S.DELIVERED, "15:00")], A, "15:00", id="all there: with the last"),
    pytest.param([(S.FAILURE, "15:00"), (S.FAILURE, "09:00")], A, "09:00", id="failed: since the first"),
    pytest.param([(S.IN_TRANSIT, "09:00"), (S.OUT_FOR_DELIVERY, "07:00")], A, "09:00", id="behind"),
    pytest.param([(S.IN_TRANSIT, "09:00"), (S.IN_TRANSIT, "11:00")], A, "11:00", id="in transit: with the last"),
    pytest.param([(S.CONFIRMED, "07:00"), (S.OUT_FOR_DELIVERY, "09:00")], A, "09:00", id="lifted by the mover"),
    pytest.param(
        [(S.CONFIRMED, "07:00"), (S.OUT_FOR_DELIVERY, "11:00"), (S.IN_TRANSIT, "09:00")], A, "09:00", id="first mover"
    ),
    pytest.param([(S.DELIVERED, "15:00"), (S.DELIVERED, "09:00"), (S.CONFIRMED, "07:00")], M, "09:00", id="first"),
]


@pytest.mark.parametrize(("stated", "rule", "clock"), DECIDING)
def test_instant_and_reason_are_the_deciding_parcels(
    stated: list[tuple[FulfillmentStatus, str]], rule: RollUp, clock: str
) -> None:
    result = roll_up([parcel(status, when) for status, when in stated], rule)
    assert result is not None
    assert result.status_at == at(clock)
    assert result.reason.endswith(clock)


def test_a_parcel_without_an_instant_does_not_decide_beside_one_with() -> None:
    undated = ParcelStatus(S.DELIVERED, None, "summary", True)
    result = roll_up([undated, parcel(S.DELIVERED, "09:00")])
    assert result == parcel(S.DELIVERED, "09:00")
    assert roll_up([undated, undated]) == undated


def test_an_unknown_parcel_that_decides_says_so() -> None:
    result = roll_up([parcel(None), parcel(S.OUT_FOR_DELIVERY)], L)
    assert result == ParcelStatus(S.CONFIRMED, None, "not known to the carrier yet", True)
