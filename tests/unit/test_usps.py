"""USPS beyond the contract: times, codes that are easily misread, errors, the two APIs' calls."""

import json
from datetime import datetime
from typing import Any

import pytest

from carriers.sdk import (
    CarrierError,
    Effect,
    FulfillmentStatus,
    Place,
    Reply,
    Report,
    TrackingNumber,
    ZoneSource,
    read,
)
from carriers.sdk.recorded import outcomes
from carriers.usps import Usps, UspsOptions

NUMBER = TrackingNumber("9400111899561234000077")


def scan(**fields: Any) -> dict[str, Any]:
    return {"eventType": "Processed", "eventCode": "10", "eventTimestamp": "2026-07-01T22:15:00", **fields}


def report(item: dict[str, Any]) -> Report:
    payload = [{"trackingNumber": NUMBER, "statusCode": "200", **item}]
    return read(Usps(), Reply((NUMBER,), 200, json.dumps(payload).encode()))[0]


def when(*scans: dict[str, Any], **item: Any) -> list[tuple[str, str]]:
    """Instants with their offsets, and where these come from, as the events come."""
    events = report({"trackingEvents": list(scans), **item}).shipments[0].events
    return [(event.occurred_at.isoformat(), event.zone.value) for event in events]


def numbers_error(status: int, body: object, asked: int = 1) -> list[str | None]:
    numbers = tuple(TrackingNumber(f"{NUMBER[:-1]}{index}") for index in range(asked))
    try:
        reports = read(Usps(), Reply(numbers, status, json.dumps(body).encode()))
    except CarrierError as error:
        return [type(error).__name__]
    return list(outcomes(reports).values())


@pytest.mark.parametrize(
    ("fields", "expected", "zone"),
    [
        ({"GMTOffset": "-05:00"}, "2026-07-01T22:15:00-05:00", "given"),
        ({"GMTOffset": "-300"}, "2026-07-01T22:15:00-05:00", "given"),
        ({"GMTOffset": -300}, "2026-07-01T22:15:00-05:00", "given"),
        ({"GMTOffset": "600"}, "2026-07-01T22:15:00+10:00", "given"),
        # the offset wins over GMT's day, which is a day early here
        ({"GMTOffset": "-05:00", "GMTTimestamp": "2026-07-01T03:15:09Z"}, "2026-07-01T22:15:00-05:00", "given"),
        # without an offset GMT's clock gives it: right day, and a day early
        ({"GMTTimestamp": "2026-07-02T03:15:09Z"}, "2026-07-01T22:15:00-05:00", "given"),
        ({"GMTTimestamp": "2026-07-01T03:15:09Z"}, "2026-07-01T22:15:00-05:00", "given"),
        ({"GMTTimestamp": "2026-07-02 03:15:09.551000+00:00"}, "2026-07-01T22:15:00-05:00", "given"),
        ({"GMTTimestamp": "2026-07-02 03:15:09"}, "2026-07-01T22:15:00-05:00", "given"),
        # Auckland: 13 hours ahead is no mistake
        ({"GMTTimestamp": "2026-07-01T09:15:00Z"}, "2026-07-01T22:15:00+13:00", "given"),
        # GMT alone
        (
            {"eventTimestamp": None, "GMTTimestamp": "2026-07-02T03:15:09Z", "GMTOffset": "-300"},
            "2026-07-01T22:15:09-05:00",
            "given",
        ),
        (
            {"eventTimestamp": None, "GMTTimestamp": "2026-07-02T03:15:09Z", "eventState": "CA"},
            "2026-07-01T20:15:09-07:00",
            "given",
        ),
        # neither: the place's zone
        ({"eventCity": "RENO", "eventState": "NV"}, "2026-07-01T22:15:00-07:00", "assumed"),
        ({"eventZIPCode": "96813"}, "2026-07-01T22:15:00-10:00", "assumed"),
        ({"eventCity": "OSAKA", "eventCountry": "JAPAN"}, "2026-07-01T22:15:00+09:00", "assumed"),
        ({"eventTimestamp": "2026-07-01T22:15:00-04:00"}, "2026-07-01T22:15:00-04:00", "given"),
        ({"GMTOffset": "soon"}, "2026-07-01T22:15:00-04:00", "assumed"),
    ],
)
def test_an_events_time(fields: dict[str, Any], expected: str, zone: str) -> None:
    assert when(scan(**fields)) == [(expected, zone)]


def test_a_scan_without_a_place_is_in_the_destinations_zone() -> None:
    assert when(scan(), destinationState="WI", destinationZIP="53207") == [("2026-07-01T22:15:00-05:00", "assumed")]


def test_a_city_alone_does_not_hide_the_destination() -> None:
    came = when(scan(eventCity="NETWORK DISTRIBUTION CENTER"), destinationState="AZ")

    assert came == [("2026-07-01T22:15:00-07:00", "assumed")]


def test_a_scan_without_any_time_is_left_out() -> None:
    assert when(scan(eventTimestamp="yesterday"), scan(GMTOffset="-05:00")) == [("2026-07-01T22:15:00-05:00", "given")]


def test_events_come_newest_first_whatever_the_order() -> None:
    older, newer = scan(eventTimestamp="2026-07-01T08:00:00"), scan()

    assert when(older, newer) == when(newer, older)


def test_places_abroad_and_at_home() -> None:
    scans = [
        scan(eventCity="TOLEDO", eventState="OH", eventZIPCode="43604"),
        scan(eventCity="TORONTO", eventCountry="CANADA", eventTimestamp="2026-07-01T21:00:00"),
        scan(eventCity="LYON", eventCountry="fr", eventTimestamp="2026-06-30T20:00:00"),
        scan(eventCity="ERUMOR", eventCountry="FREEDONIA", eventTimestamp="2026-06-29T19:00:00"),
        scan(eventTimestamp="2026-06-28T18:00:00"),
    ]

    events = report({"trackingEvents": scans}).shipments[0].events

    assert [event.place for event in events] == [
        Place("TOLEDO", "OH", "43604", "US"),
        Place("TORONTO", country="CA"),
        Place("LYON", country="FR"),
        Place("ERUMOR"),
        None,
    ]


@pytest.mark.parametrize(
    ("code", "status", "effect"),
    [
        ("NT", FulfillmentStatus.IN_TRANSIT, Effect.STILL),
        ("09", FulfillmentStatus.FAILURE, Effect.RETURN),
        ("27", FulfillmentStatus.FAILURE, Effect.RETURN),
        ("04", FulfillmentStatus.FAILURE, Effect.NONE),
        ("05", FulfillmentStatus.FAILURE, Effect.NONE),
        ("GC", None, Effect.NONE),
        ("80", FulfillmentStatus.CONFIRMED, Effect.NONE),
        ("14", FulfillmentStatus.READY_FOR_PICKUP, Effect.NONE),
        ("Moving Through Network", FulfillmentStatus.IN_TRANSIT, Effect.NONE),
        ("Pre-Shipment", FulfillmentStatus.CONFIRMED, Effect.NONE),
    ],
)
def test_codes_that_are_easily_misread(code: str, status: FulfillmentStatus | None, effect: Effect) -> None:
    assert Usps.codes.meaning(code) == (status, effect)


def test_the_words_of_a_delivery_do_not_change_it() -> None:
    for kind in ("Delivered, To Agent", "Delivered, Individual Picked Up at Post Office", "Available for Pickup"):
        item = {"trackingEvents": [scan(eventCode="01", eventType=kind)], "statusCategory": "Alert"}

        assert outcomes([report(item)]) == {NUMBER: "DELIVERED"}


def test_only_the_newest_scan_takes_the_category_for_an_unknown_code() -> None:
    scans = [scan(eventCode="Y1"), scan(eventCode="Y2", eventTimestamp="2026-07-01T10:00:00")]

    shipment = report({"trackingEvents": scans, "statusCategory": "Out for Delivery"}).shipments[0]

    assert [event.coarse and event.coarse.status for event in shipment.events] == ["OUT_FOR_DELIVERY", None]
    assert shipment.unmapped == ("Y1", "Y2")


def test_a_scan_without_a_code_is_told_by_its_type() -> None:
    events = report({"trackingEvents": [scan(eventCode=None, eventType="Sighted")]}).shipments[0].events

    assert [(event.code, event.meaning) for event in events] == [("Sighted", None)]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"expectedDeliveryDate": "2026-07-03", "endOfDay": "9:00pm"}, "2026-07-03T21:00:00-04:00"),
        ({"expectedDeliveryDate": "2026-07-03"}, "2026-07-03T23:59:00-04:00"),
        ({"guaranteedDeliveryDate": "2026-07-04", "endOfDay": "12:30 PM"}, "2026-07-04T12:30:00-04:00"),
        (
            {
                "expectedDeliveryDate": "2026-07-03",
                "predictedDeliveryDate": "2026-07-02",
                "predictedDeliveryWindowEndTime": "4:30pm",
            },
            "2026-07-02T16:30:00-04:00",
        ),
        ({"expectedDeliveryDate": "soon"}, None),
    ],
)
def test_the_promised_day(told: dict[str, str], expected: str | None) -> None:
    shipment = report({"trackingEvents": [scan()], "deliveryDateExpectation": told}).shipments[0]

    assert shipment.estimated_delivery == (expected and datetime.fromisoformat(expected))


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [("2026-07-03T00:00:00", "2026-07-03T23:59:00-05:00"), ("2026-07-03T18:00:00", "2026-07-03T18:00:00-05:00")],
)
def test_the_promised_day_of_v3(stamp: str, expected: str) -> None:
    item = {"trackingEvents": [scan()], "destinationState": "WI", "expectedDeliveryTimeStamp": stamp}

    assert report(item).shipments[0].estimated_delivery == datetime.fromisoformat(expected)


def test_who_signed_is_kept_apart() -> None:
    scans = [
        scan(eventCode="GC", recipientName="NOBODY"),
        scan(eventCode="01", recipientName="P SANTOS", eventTimestamp="2026-07-01T10:00:00"),
    ]

    shipment = report({"trackingEvents": scans}).shipments[0]

    assert shipment.signed_by == "P SANTOS"
    assert "SANTOS" not in repr(shipment)


def test_the_carriers_own_id_tells_shipments_apart() -> None:
    item = {"trackingEvents": [scan()], "uniqueTrackingID": 4711, "mailingDate": "2026-06-30"}

    shipment = report(item).shipments[0]

    assert (shipment.id, str(shipment.shipped_on)) == ("4711", "2026-06-30")


def detail(code: str, status: str = "400") -> dict[str, Any]:
    return {"error": {"code": status, "message": "Told by USPS", "errors": [{"code": code, "title": "Tracking"}]}}


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("150001", "NotFound"),
        ("150002", "NotFound"),
        ("150003", "NotFound"),
        ("150009", "NotFound"),
        ("150010", "InvalidNumber"),
        ("150011", "InvalidNumber"),
        ("150012", "InvalidNumber"),
        ("150999", "BadPayload"),
    ],
)
def test_error_codes_in_both_shapes(code: str, error: str) -> None:
    item = {"trackingNumber": f"{NUMBER[:-1]}0", "statusCode": "400", **detail(code)}

    assert numbers_error(400, detail(code)) == [error]
    assert numbers_error(207, [item]) == [error]


def test_a_refused_batch_is_no_numbers_fault() -> None:
    assert numbers_error(400, detail("150002"), asked=3) == ["BadPayload"]
    assert numbers_error(404, detail("404", "404"), asked=3) == ["BadPayload"]


def test_a_gateways_404_is_not_the_carriers_word() -> None:
    with pytest.raises(CarrierError, match="an HTML page"):
        read(Usps(), Reply((NUMBER,), 404, b"<html><body>no such route</body></html>"))


def test_the_items_own_status_counts_where_no_code_is_known() -> None:
    numbers = tuple(TrackingNumber(f"{NUMBER[:-1]}{index}") for index in range(3))
    items = [
        {"trackingNumber": number, "statusCode": status, "error": {"code": status, "message": "…"}}
        for number, status in zip(numbers, ("404", "403", "500"), strict=True)
    ]

    reports = read(Usps(), Reply(numbers, 207, json.dumps(items).encode()))

    assert list(outcomes(reports).values()) == ["NotFound", "InvalidNumber", "Unavailable"]


def test_an_item_that_says_nothing_is_not_found() -> None:
    assert outcomes([report({"trackingEvents": []})]) == {NUMBER: "NotFound"}


def test_the_barcodes_prefix_may_be_missing_from_the_answer() -> None:
    asked = TrackingNumber(f"42053207{NUMBER}")
    payload = [{"trackingNumber": NUMBER, "statusCode": "200", "trackingEvents": [scan()]}]

    reports = read(Usps(), Reply((asked,), 200, json.dumps(payload).encode()))

    assert outcomes(reports) == {asked: "IN_TRANSIT"}


def test_a_call_of_v3r2_asks_for_all_numbers_at_once() -> None:
    call = Usps().call([NUMBER, TrackingNumber("9400111899561234000088")])

    assert (call.method, call.path) == ("POST", "/tracking/v3r2/tracking")
    assert json.loads(call.body or b"") == [{"trackingNumber": NUMBER}, {"trackingNumber": "9400111899561234000088"}]
    assert Usps().info.batch == 35


def test_a_call_of_v3_asks_for_one_number_with_its_scans() -> None:
    carrier = Usps(UspsOptions(api="v3"))
    call = carrier.call([NUMBER])

    assert (call.method, call.path, call.query) == ("GET", f"/tracking/v3/tracking/{NUMBER}", {"expand": "DETAIL"})
    assert carrier.info.batch == 1
    assert Usps.info.batch == 35, "the class's own facts must not change"


def test_the_zone_is_told_apart() -> None:
    events = report({"trackingEvents": [scan(GMTOffset="-05:00"), scan(eventState="OH")]}).shipments[0].events

    assert {event.zone for event in events} == {ZoneSource.GIVEN, ZoneSource.ASSUMED}
