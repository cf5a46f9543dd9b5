"""The sandbox's journeys: the same from the same seed, lifelike in the mass, local in their times."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from statistics import mean

import pytest

from carriers.sdk.status import FulfillmentStatus as S
from tracker.sandbox.journeys import Journey, Kind, draw_journey
from tracker.sandbox.numbers import dhl_sscc, dhl_waybill, fedex_12, ups_1z, usps_22
from tracker.sandbox.orders import roll_up
from tracker.sandbox.places import Region
from tracker.sandbox.quotas import Account, Limit
from tracker.sandbox.stages import Offsets, Passage, Stage, draw_life, draw_service

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
FIRST_HOUR = MONDAY.timestamp() / 3600


def seeded(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - chance, not secrecy


def lives(count: int) -> list[list[Passage]]:
    random = seeded(11)
    offsets = Offsets(-5, -6, -8)
    labels = [FIRST_HOUR + random.random() * 720 for _ in range(count)]
    return [draw_life(random, draw_service(random), label, offsets) for label in labels]


def journeys(count: int, region: Region = Region.US, seed: int = 5) -> list[Journey]:
    random = seeded(seed)
    return [draw_journey(random, MONDAY + timedelta(hours=random.random() * 720), region) for _ in range(count)]


def test_lives_have_the_statistics_of_the_model() -> None:
    drawn = lives(5000)
    delivered = sorted(life[-1][1] - life[0][1] for life in drawn if life[-1][0] is Stage.DELIVERED)
    median, ninetieth = (delivered[int(len(delivered) * share)] / 24 for share in (0.5, 0.9))
    assert 5.6 < mean(len(life) - 1 for life in drawn) < 6.2
    assert 0.94 < len(delivered) / len(drawn) < 0.98
    assert 3.6 < median < 4.3
    assert 6.8 < ninetieth < 8.5
    assert 0.03 < mean(any(stage is Stage.ATTEMPTED for stage, _ in life) for life in drawn) < 0.055
    assert 0.02 < mean(len(life) == 1 for life in drawn) < 0.045


def test_parcels_go_out_in_the_morning_and_arrive_in_the_daytime_of_their_own_place() -> None:
    hours: dict[Stage, set[int]] = {Stage.OUT_FOR_DELIVERY: set(), Stage.DELIVERED: set()}
    for life in lives(2000):
        for stage, at in life:
            if stage in hours:
                hours[stage].add(int((at - 8) % 24))
    assert hours[Stage.OUT_FOR_DELIVERY] <= set(range(5, 12))
    assert hours[Stage.DELIVERED] <= set(range(8, 23))


def test_the_same_seed_gives_the_same_journeys_and_another_seed_others() -> None:
    assert journeys(50, seed=5) == journeys(50, seed=5)
    assert journeys(50, seed=5) != journeys(50, seed=6)


@pytest.mark.parametrize("region", list(Region))
def test_scans_are_in_order_and_in_the_time_of_their_place(region: Region) -> None:
    for journey in journeys(300, region):
        assert journey.scans[0].kind is Kind.LABEL
        assert all(later.at - scan.at >= timedelta(minutes=1) for scan, later in pairwise(journey.scans))
        for scan in journey.scans:
            assert scan.at.tzinfo is scan.place.zone
            assert scan.at.microsecond == 0


def test_a_region_has_several_zones() -> None:
    for region, least in ((Region.US, 6), (Region.EUROPE, 3)):
        offsets = {scan.at.utcoffset() for journey in journeys(300, region) for scan in journey.scans}
        assert len(offsets) >= least - 2
        assert len({scan.place.zone.key for journey in journeys(300, region) for scan in journey.scans}) >= least


def test_journeys_end_in_every_way() -> None:
    drawn = journeys(5000)
    assert 0.94 < mean(journey.received for journey in drawn) < 0.98
    ends = {journey.scans[-1].kind for journey in drawn}
    assert {Kind.DELIVERED, Kind.COLLECTED, Kind.RETURNED_TO_SENDER, Kind.LOST, Kind.LABEL} <= ends


def test_the_promise_is_mostly_right_and_made_with_the_pickup() -> None:
    drawn = journeys(3000)
    off = [
        (journey.promised - journey.scans[-1].at.date()).days
        for journey in drawn
        if journey.promised is not None and journey.scans[-1].kind is Kind.DELIVERED
    ]
    assert 0.75 < off.count(0) / len(off) < 0.85
    assert off.count(-1) > off.count(1) > 0
    assert all((journey.promised is None) == (len(journey.scans) == 1) for journey in drawn)


def test_numbers_carry_their_check_digits() -> None:
    random = seeded(3)
    for _ in range(50):
        fedex = [int(digit) for digit in fedex_12(random)]
        assert sum(digit * (3, 1, 7)[index % 3] for index, digit in enumerate(fedex[:11])) % 11 % 10 == fedex[11]
        ups = [int(char) if char.isdigit() else (ord(char) - 63) % 10 for char in ups_1z(random)[2:]]
        assert (sum(ups[:15:2]) + 2 * sum(ups[1:15:2]) + ups[15]) % 10 == 0
        for number, length in ((usps_22(random), 22), (dhl_sscc(random), 20)):
            assert len(number) == length
            assert sum(int(digit) * (1, 3)[index % 2] for index, digit in enumerate(reversed(number))) % 10 == 0
        waybill = dhl_waybill(random)
        assert int(waybill[:9]) % 7 == int(waybill[9])


def test_a_window_slides_and_a_refused_call_uses_nothing_up() -> None:
    account = Account((Limit(2, 10),), leeway=0)
    assert account.take(0) == 0
    assert account.take(4) == 0
    assert account.take(9) == 1
    assert account.take(10) == 0
    assert account.take(13) == 1
    assert account.over_quota == 2
    assert account.windows[0].most == 3


def test_a_limit_below_one_call_is_one_call_in_longer() -> None:
    assert Limit.read("per_second:0.2,per_day:250") == (Limit(1, 5), Limit(250, 86_400))
    assert Limit.read("none") == ()
    with pytest.raises(ValueError, match="per_week"):
        Limit.read("per_week:3")


@pytest.mark.parametrize(
    ("parcels", "status"),
    [
        ((None,), None),
        ((S.CARRIER_PICKED_UP,), S.CARRIER_PICKED_UP),
        ((S.DELIVERED, S.DELIVERED), S.DELIVERED),
        ((S.PICKED_UP, S.DELIVERED), S.DELIVERED),
        ((S.PICKED_UP, S.PICKED_UP), S.PICKED_UP),
        ((S.DELIVERED, S.FAILURE), S.FAILURE),
        ((S.DELIVERED, None), S.IN_TRANSIT),
        ((S.CONFIRMED, None), S.CONFIRMED),
        ((S.DELIVERED, S.OUT_FOR_DELIVERY), S.OUT_FOR_DELIVERY),
        ((S.OUT_FOR_DELIVERY, S.CONFIRMED), S.IN_TRANSIT),
        ((S.DELAYED, S.READY_FOR_PICKUP), S.READY_FOR_PICKUP),
        ((S.IN_TRANSIT, S.DELAYED), S.DELAYED),
    ],
)
def test_several_parcels_roll_up(parcels: tuple[S | None, ...], status: S | None) -> None:
    assert roll_up(parcels) is status
