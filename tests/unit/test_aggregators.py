"""Aggregators: what is asked by which name, and which answers make them follow which numbers."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest

from carriers.aftership import AfterShip
from carriers.easypost import EasyPost
from carriers.sdk import Aggregator, Call, Place, Reply, Report, TrackingNumber, ZoneSource, promised, read, unsigned
from carriers.sdk.enrolling import NEWCOMER, calls_by_carrier, enrolment_troubles, idle_troubles
from carriers.sdk.registry import known_carriers
from carriers.seventeentrack import SeventeenTrack
from carriers.ship24 import Ship24
from carriers.shipengine import ShipEngine
from carriers.shippo import Shippo

ANSWERS = Path(__file__).parents[1] / "carriers"
NEW, KNOWN, THIRD = (TrackingNumber(number) for number in ("1Z999AA10123456784", "RX123456785GB", "794644790132"))


def reply(numbers: Iterable[str], payload: object, status: int = 200) -> Reply:
    return Reply(tuple(map(TrackingNumber, numbers)), status, orjson.dumps(payload))


def recorded(aggregator: Aggregator, name: str, *numbers: str, status: int = 200) -> Reply:
    body = (ANSWERS / aggregator.info.code / f"{name}.json").read_bytes()
    return Reply(tuple(map(TrackingNumber, numbers)), status, body)


def enrolled(aggregator: Aggregator, answer: Reply, carrier: str = "") -> list[Call]:
    return list(aggregator.enrol(answer, dict.fromkeys(answer.numbers, carrier)))


def reports(aggregator: Aggregator, answer: Reply) -> list[Report]:
    return read(aggregator, answer)


def body(call: Call) -> Any:
    assert call.body is not None
    return orjson.loads(call.body)


# By which name


@pytest.mark.parametrize(
    ("carrier", "path"),
    [
        ("usps", f"/tracks/usps/{NEW}"),
        ("evri", f"/tracks/hermes_uk/{NEW}"),
        ("dhl_parcel_de", f"/tracks/dhl_germany/{NEW}"),
        ("sendle", f"/tracks/sendle/{NEW}"),  # no name of Shippo's is known: our own
        ("", f"/tracks/unknown/{NEW}"),
    ],
)
def test_shippo_is_asked_by_carrier(carrier: str, path: str) -> None:
    assert Shippo().call_for({NEW: carrier}).path == path


@pytest.mark.parametrize(
    ("carrier", "code"), [("usps", "stamps_com"), ("purolator", "purolator_canada"), ("gls", "gls"), ("", "unknown")]
)
def test_shipengine_is_asked_by_carrier(carrier: str, code: str) -> None:
    assert ShipEngine().call_for({NEW: carrier}).query == {"carrier_code": code, "tracking_number": NEW}


@pytest.mark.parametrize("aggregator", [EasyPost(), AfterShip(), SeventeenTrack(), Ship24()], ids=lambda a: a.info.code)
def test_others_are_asked_by_number_alone(aggregator: Aggregator) -> None:
    assert aggregator.call_for({NEW: "ups"}) == aggregator.call_for({NEW: ""}) == aggregator.call([NEW])


def test_keys_stand_where_the_sender_puts_them() -> None:
    assert Shippo().call([NEW]).headers["Authorization"] == "ShippoToken {{api_key}}"
    assert Ship24().call([NEW]).headers["Authorization"] == "Bearer {{api_key}}"


def test_every_name_an_aggregator_has_belongs_to_a_carrier_there_is() -> None:
    known = known_carriers()
    strangers = {
        code: sorted(aggregator.slugs.keys() - known.keys())
        for code, registered in known.items()
        if isinstance(aggregator := registered.create(), Aggregator) and aggregator.slugs.keys() - known.keys()
    }

    assert strangers == {}


# Enrolment: the registration itself

EMPTY: Mapping[str, object] = {
    "easypost": {"trackers": []},
    "aftership": {"data": {"trackings": []}},
    "seventeentrack": {"data": {"accepted": [], "rejected": [{"number": NEW, "error": {"code": -18019902}}]}},
    "ship24": {"data": {"trackings": []}},
}


@pytest.mark.parametrize(
    ("aggregator", "path", "by_itself"),
    [
        (EasyPost(), "/v2/trackers", {"tracker": {"tracking_code": NEW}}),
        (AfterShip(), "/trackings", {"tracking_number": NEW}),
        (SeventeenTrack(), "/register", [{"number": NEW}]),
        (Ship24(), "/trackers", {"trackingNumber": NEW}),
    ],
)
@pytest.mark.parametrize("carrier", ["", "pigeon_post"])
def test_a_registration_leaves_a_carrier_without_a_name_to_the_aggregator(
    aggregator: Aggregator, path: str, by_itself: object, carrier: str
) -> None:
    [call] = enrolled(aggregator, reply([NEW], EMPTY[aggregator.info.code]), carrier)

    assert (call.method, call.path, call.numbers) == ("POST", path, (NEW,))
    assert body(call) == by_itself


@pytest.mark.parametrize(
    ("aggregator", "named"),
    [
        (EasyPost(), {"tracker": {"tracking_code": NEW, "carrier": "USPS"}}),
        (AfterShip(), {"tracking_number": NEW, "slug": "usps"}),
        (SeventeenTrack(), [{"number": NEW, "carrier": 21051}]),
        (Ship24(), {"trackingNumber": NEW, "courierCode": ["us-post"]}),
    ],
)
def test_a_registration_names_a_carrier_that_has_a_name(aggregator: Aggregator, named: object) -> None:
    [call] = enrolled(aggregator, reply([NEW], EMPTY[aggregator.info.code]), "usps")

    assert body(call) == named


@pytest.mark.parametrize("aggregator", [EasyPost(), AfterShip(), SeventeenTrack(), Ship24()], ids=lambda a: a.info.code)
def test_a_number_is_enrolled_where_the_answer_does_not_know_it(aggregator: Aggregator) -> None:
    answer = reply([NEW], EMPTY[aggregator.info.code])

    [report] = reports(aggregator, answer)

    assert type(report.error).__name__ == "NotFound"
    assert [call.numbers for call in enrolled(aggregator, answer)] == [(NEW,)]


@pytest.mark.parametrize(
    ("aggregator", "name", "number"),
    [
        (EasyPost(), "delivered", "9400109205568000000017"),
        (EasyPost(), "label_only", "9400109205568000000017"),
        (EasyPost(), "followed_without_news", "9400109205568000000017"),
        (AfterShip(), "in_transit", "9400109205568000000055"),
        (AfterShip(), "expired", "9400109205568000000055"),
        (AfterShip(), "created", "9400109205568000000055"),
        (SeventeenTrack(), "in_transit", "9400109205568000000093"),
        (SeventeenTrack(), "quota_spent", "9400109205568000000093"),
        (SeventeenTrack(), "not_whitelisted", "9400109205568000000093"),
        (Ship24(), "in_transit", "9400109205568000000161"),
        (Ship24(), "followed_without_news", "9400109205568000000161"),
    ],
    ids=lambda value: value.info.code if isinstance(value, Aggregator) else str(value),
)
def test_a_number_that_is_followed_is_not_enrolled(aggregator: Aggregator, name: str, number: str) -> None:
    assert enrolled(aggregator, recorded(aggregator, name, number)) == []


@pytest.mark.parametrize("aggregator", [Shippo(), ShipEngine()], ids=lambda a: a.info.code)
def test_who_answers_about_any_number_needs_no_enrolment(aggregator: Aggregator) -> None:
    answer = recorded(aggregator, "not_found", NEW)

    assert type(reports(aggregator, answer)[0].error).__name__ == "NotFound"
    assert enrolled(aggregator, answer) == []


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
@pytest.mark.parametrize("aggregator", [EasyPost(), AfterShip(), SeventeenTrack(), Ship24()], ids=lambda a: a.info.code)
def test_an_account_in_trouble_enrols_nothing(aggregator: Aggregator, status: int) -> None:
    assert enrolled(aggregator, reply([NEW], EMPTY[aggregator.info.code], status)) == []


# Enrolment: of several


def test_aftership_registers_each_number_its_list_lacks_by_a_call_of_its_own() -> None:
    answer = reply([NEW, KNOWN, THIRD], {"data": {"trackings": [{"tracking_number": KNOWN, "tag": "Pending"}]}})

    assert [call.numbers for call in AfterShip().enrol(answer, {NEW: "ups", KNOWN: "", THIRD: ""})] == [
        (NEW,),
        (THIRD,),
    ]


def test_aftership_registers_nothing_while_more_pages_may_list_it() -> None:
    page = {"pagination": {"has_next_page": True}, "trackings": []}

    assert enrolled(AfterShip(), reply([NEW], {"data": page})) == []


def test_seventeentrack_registers_all_in_one_call_each_by_its_own_carrier() -> None:
    rejected = [{"number": number, "error": {"code": -18019902}} for number in (NEW, THIRD, THIRD)]
    answer = reply([NEW, KNOWN, THIRD], {"data": {"accepted": [{"number": KNOWN}], "rejected": rejected}})

    [call] = SeventeenTrack().enrol(answer, {NEW: "ups", KNOWN: "royal_mail", THIRD: "pigeon_post"})

    assert call.numbers == (NEW, THIRD)
    assert body(call) == [{"number": NEW, "carrier": 100002}, {"number": THIRD}]


@pytest.mark.parametrize("code", [-18019901, -18019903, -18019909, -18010012])
def test_seventeentrack_registers_only_what_was_not_registered(code: int) -> None:
    answer = reply([NEW], {"data": {"accepted": [], "rejected": [{"number": NEW, "error": {"code": code}}]}})

    assert enrolled(SeventeenTrack(), answer) == []


def test_seventeentrack_does_not_register_again_what_it_follows_with_another_carrier() -> None:
    rejected = [{"number": NEW, "error": {"code": -18019902}}]
    answer = reply([NEW], {"data": {"accepted": [{"number": NEW, "carrier": 100002}], "rejected": rejected}})

    assert enrolled(SeventeenTrack(), answer) == []


def test_a_rejection_of_a_number_nobody_asked_about_is_not_acted_on() -> None:
    answer = reply([NEW], {"data": {"accepted": [], "rejected": [{"number": KNOWN, "error": {"code": -18019902}}]}})

    assert enrolled(SeventeenTrack(), answer) == []


def test_easypost_takes_no_tracker_of_another_number_for_this_one() -> None:
    other = {"tracking_code": KNOWN, "status": "delivered", "tracking_details": []}
    answer = reply([NEW], {"trackers": [other]})

    assert type(reports(EasyPost(), answer)[0].error).__name__ == "NotFound"
    assert [call.numbers for call in enrolled(EasyPost(), answer)] == [(NEW,)]


def test_ship24_follows_nothing_by_its_own_404_and_any_number_by_a_gateways() -> None:
    own = recorded(Ship24(), "not_found", NEW, status=404)

    assert [call.numbers for call in enrolled(Ship24(), own)] == [(NEW,)]
    assert enrolled(Ship24(), reply([NEW], {"message": "Not Found"}, 404)) == []


# Names in sentences


@pytest.mark.parametrize(
    ("aggregator", "number"),
    [
        (EasyPost(), "9400109205568000000017"),
        (AfterShip(), "9400109205568000000055"),
        (Shippo(), "9400109205568000000031"),
        (SeventeenTrack(), "9400109205568000000093"),
        (Ship24(), "9400109205568000000161"),
        (ShipEngine(), "9405509205568000000048"),
    ],
    ids=lambda value: value.info.code if isinstance(value, Aggregator) else "",
)
def test_a_delivery_says_nothing_of_who_signed(aggregator: Aggregator, number: str) -> None:
    [report] = reports(aggregator, recorded(aggregator, "delivered", number))

    assert report.shipments[0].events[0].description in ("Delivered", "Delivered, Front Desk")


@pytest.mark.parametrize(
    ("sentence", "signer", "bare"),
    [
        ("Delivered, signed by: M OKONJO", "", "Delivered"),
        ("Delivered - Signed for by M OKONJO at the desk", "M OKONJO", "Delivered"),
        ("Left with M Okonjo, front desk", "M OKONJO", "Left with , front desk"),
        ("Xylophone delivered", "X", "Xylophone delivered"),
        ("Assigned to a courier", "", "Assigned to a courier"),
    ],
)
def test_a_sentence_is_left_without_who_signed(sentence: str, signer: str, bare: str) -> None:
    assert unsigned(sentence, signer) == bare


# Promises


@pytest.mark.parametrize(
    ("stated", "country", "promise"),
    [
        ("2026-03-06", "DE", "2026-03-06T23:59:00+01:00"),
        ("2026-03-06T00:00:00Z", "JP", "2026-03-06T23:59:00+09:00"),
        ("2026-03-06T00:00:00-05:00", "", "2026-03-06T23:59:00-05:00"),
        ("2026-03-06T17:30:00-05:00", "JP", "2026-03-06T17:30:00-05:00"),
        ("2026-03-06T17:30:00", "JP", "2026-03-06T17:30:00+09:00"),
        ("soon", "JP", None),
    ],
)
def test_a_promised_day_lasts_until_its_end_at_the_destination(stated: str, country: str, promise: str | None) -> None:
    moment = promised(stated, Place(country=country))

    assert (moment.isoformat() if moment else None) == promise


# Clocks


@pytest.mark.parametrize(
    ("aggregator", "number", "given"),
    [
        (EasyPost(), "9400109205568000000017", "GGG"),
        (Shippo(), "9400109205568000000031", "GGG"),
        (AfterShip(), "9400109205568000000055", "AAAGA"),
        (SeventeenTrack(), "9400109205568000000093", "GAGAGA"),
        (Ship24(), "9400109205568000000161", "AAAGGA"),
        (ShipEngine(), "9405509205568000000048", "GAAGGG"),
    ],
    ids=lambda value: value.info.code if isinstance(value, Aggregator) else "",
)
def test_an_offset_nobody_stated_is_marked_as_assumed(aggregator: Aggregator, number: str, given: str) -> None:
    """The events of the case `clock`, newest first: G given, A assumed."""
    [report] = reports(aggregator, recorded(aggregator, "clock", number))

    told = ["G" if event.zone is ZoneSource.GIVEN else "A" for event in report.shipments[0].events]
    assert "".join(told) == given


# The contract's rules of enrolment catch those who break them


class Careless(AfterShip):
    """Enrols whatever it was asked about."""

    def enrol(self, reply: Reply, numbers: Mapping[TrackingNumber, str]) -> Iterable[Call]:
        return [Call.post_json([number], "/trackings", {"tracking_number": number}) for number in numbers]


class Twice(AfterShip):
    def enrol(self, reply: Reply, numbers: Mapping[TrackingNumber, str]) -> Iterable[Call]:
        return [call for call in super().enrol(reply, numbers) for _ in range(2)]


class Counting(AfterShip):
    made = 0

    def enrol(self, reply: Reply, numbers: Mapping[TrackingNumber, str]) -> Iterable[Call]:
        self.made += 1
        return [Call.post_json([number], "/trackings", {"id": self.made}) for number in numbers]


@pytest.mark.parametrize(
    ("aggregator", "answer", "told"),
    [
        (AfterShip(), {"trackings": []}, ""),
        (Careless(), {"trackings": [{"tracking_number": NEW, "tag": "Delivered"}]}, "it is DELIVERED"),
        (Twice(), {"trackings": []}, "enrolled twice"),
        (Counting(), {"trackings": []}, "differently the second time"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Aggregator) else "",
)
def test_wrong_enrolments_are_told(aggregator: Aggregator, answer: object, told: str) -> None:
    word = "DELIVERED" if "DELIVERED" in told else "NotFound"

    troubles = list(enrolment_troubles(aggregator, reply([NEW], {"data": answer}), {NEW: word}))

    assert told in troubles[0] if told else not troubles


def test_enrolling_after_an_answer_that_says_nothing_is_told() -> None:
    answer = reply([NEW], {"data": {"trackings": []}})

    assert not list(idle_troubles(AfterShip(), answer))
    assert any("HTTP 503" in trouble for trouble in idle_troubles(Careless(), answer))


def test_the_contract_asks_by_no_carrier_by_one_with_a_name_and_by_one_without() -> None:
    paths = [call.path for call in calls_by_carrier(Shippo(), [NEW])]

    assert paths[::2] == paths[1::2]
    assert paths[::2] == [f"/tracks/{slug}/{NEW}" for slug in ("unknown", "aramex", NEWCOMER)]
