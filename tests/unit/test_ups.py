"""UPS: which of its codes decides, its clocks, its packages, and the size and the traps of its tables."""

from datetime import datetime
from typing import Any

import orjson
import pytest

from carriers.sdk import BadPayload, Codes, Effect, Meaning, Reply, Report, Shipment, TrackingNumber, ZoneSource, read
from carriers.tables import ups as tables
from carriers.ups import Ups, decide

NUMBER = TrackingNumber("1Z8W47A20300001012")


def report(packages: list[dict[str, Any]], *numbers: TrackingNumber, **shipment: Any) -> Report:
    body = {"trackResponse": {"shipment": [{"inquiryNumber": NUMBER, "package": packages, **shipment}]}}
    (only,) = read(Ups(), Reply(numbers, 200, orjson.dumps(body)))
    return only


def shipment_of(*activity: dict[str, Any], **package: Any) -> Shipment:
    (shipment,) = report([{"trackingNumber": NUMBER, "activity": list(activity), **package}], NUMBER).shipments
    return shipment


def scan(kind: str = "I", code: str = "AR", status: str = "005", **clock: str) -> dict[str, Any]:
    clock = clock or {"date": "20260303", "time": "061400", "gmtOffset": "-07:00"}
    return {"status": {"type": kind, "code": code, "statusCode": status}, **clock}


def meant(kind: str, code: str, status: str) -> str | None:
    """The status by name, with the effect behind a plus sign where there is one; None = informational."""
    _, meaning = decide(kind, code, status)
    return "unmapped" if meaning is None else shown(meaning)


def shown(meaning: Meaning) -> str | None:
    return meaning.status if meaning.effect is Effect.NONE else f"{meaning.status}+{meaning.effect}"


@pytest.mark.parametrize("page", [b"<html>404</html>", b'{"message": "no Route matched with those values"}', b"[]"])
def test_a_gateways_404_does_not_make_the_number_unknown(page: bytes) -> None:
    with pytest.raises(BadPayload):
        read(Ups(), Reply((NUMBER,), 404, page))


# Which field decides


@pytest.mark.parametrize(
    ("kind", "code", "status", "key", "expected"),
    [
        # a specific statusCode, whatever the code beside it is used for elsewhere
        ("X", "RZ", "012", "STATUS/012", "IN_TRANSIT+still"),
        ("X", "RZ", "014", "STATUS/014", "IN_TRANSIT+still"),
        ("X", "BB", "058", "STATUS/058", "ON_HOLD"),
        ("I", "YP", "072", "STATUS/072", "OUT_FOR_DELIVERY"),
        # a vague one gives way
        ("I", "OR", "005", "MOVEMENT/OR", "CARRIER_PICKED_UP"),
        ("X", "48", "013", "EXCEPTION/48", "ATTEMPTED_DELIVERY"),
        ("X", "BB", "029", "EXCEPTION/BB", "ON_HOLD"),
        ("X", "A8", "048", "EXCEPTION/A8", "ON_HOLD"),
        ("X", "UF", "046", "EXCEPTION/UF", "FAILURE+return"),
        ("X", "YK", "069", "EXCEPTION/YK", "FAILURE+return"),
        # but a delay stays one beside a notice or a plan
        ("X", "AH", "046", "STATUS/046", "DELAYED"),
        ("X", "ZD", "090", "STATUS/090", "DELAYED"),
        # a code no table knows leaves the statusCode to decide, and the other way round
        ("X", "Q9", "048", "STATUS/048", "DELAYED"),
        ("X", "7W", "399", "EXCEPTION/7W", "DELAYED"),
        ("X", "7W", "", "EXCEPTION/7W", "DELAYED"),
        # "Delivered" is not always to the recipient
        ("D", "FS", "011", "STATUS/011", "DELIVERED"),
        ("D", "MW", "011", "STATUS/011", "DELIVERED"),
        ("D", "2Q", "011", "DELIVERY/2Q", "READY_FOR_PICKUP"),
        ("D", "1N", "011", "DELIVERY/1N", "READY_FOR_PICKUP"),
        ("D", "ZP", "011", "EXCEPTION/ZP", "READY_FOR_PICKUP"),
        ("D", "2Q", "161", "STATUS/161", "READY_FOR_PICKUP"),
        ("D", "", "017", "STATUS/017", "READY_FOR_PICKUP"),
        ("D", "", "040", "STATUS/040", "READY_FOR_PICKUP"),
        ("D", "2W", "011", "DELIVERY/2W", "PICKED_UP"),
        ("D", "B0", "011", "DELIVERY/B0", "FAILURE+return"),
        ("D", "B0", "", "DELIVERY/B0", "FAILURE+return"),
        ("D", "", "034", "STATUS/034", "FAILURE+return"),
        ("D", "", "067", "STATUS/067", "FAILURE+return"),
        ("X", "TL", "011", "EXCEPTION/TL", "DELAYED+reopen"),
        ("X", "8I", "005", "EXCEPTION/8I", "READY_FOR_PICKUP+reopen"),
        # types
        ("P", "PU", "038", "STATUS/038", "CARRIER_PICKED_UP"),
        ("P", "", "", "TYPE/P", "CARRIER_PICKED_UP"),
        ("M", "MP", "003", "STATUS/003", "CONFIRMED"),
        ("MV", "VP", "007", "TYPE/MV", "FAILURE"),
        ("M", "VP", "", "MANIFEST/VP", "FAILURE"),
        ("RS", "", "011", "TYPE/RS", "FAILURE+return"),
        ("U", "UP", "", "UPDATE/UP", None),
        # one pair of letters, several lists
        ("I", "OD", "", "MOVEMENT/OD", "OUT_FOR_DELIVERY"),
        ("X", "OD", "", "EXCEPTION/OD", "DELAYED"),
        ("M", "DP", "", "MANIFEST/DP", "CONFIRMED"),
        ("I", "DP", "", "MOVEMENT/DP", "IN_TRANSIT"),
        ("X", "DP", "", "EXCEPTION/DP", "ON_HOLD"),
        ("D", "MP", "", "DELIVERY/MP", "DELIVERED"),
        ("I", "YI", "", "MOVEMENT/YI", "OUT_FOR_DELIVERY"),
        ("X", "YI", "", "EXCEPTION/YI", "DELAYED"),
        ("X", "UP", "", "EXCEPTION/UP", "DELAYED"),
        # freight and Mail Innovations
        ("DD", "", "012", "FREIGHT/012", "DELIVERED"),
        ("W", "A3", "", "FREIGHT-EXCEPTION/A3", "ON_HOLD"),
        ("I", "EL/IC", "", "MAIL-INNOVATIONS/EL/IC", "OUT_FOR_DELIVERY"),
        # nothing known: everything UPS sent is the key
        ("I", "QQ", "399", "I/QQ/399", "unmapped"),
        ("I", "", "399", "I/399", "unmapped"),
        ("", "AR", "", "AR", "unmapped"),
        ("", "", "", "", "unmapped"),
    ],
)
def test_what_decides(kind: str, code: str, status: str, key: str, expected: str | None) -> None:
    assert decide(kind, code, status)[0] == key
    assert meant(kind, code, status) == expected
    assert Ups.codes.meaning(key) == decide(kind, code, status)[1]


def test_an_unknown_code_keeps_the_type_as_its_coarse_meaning() -> None:
    shipment = shipment_of(scan("D", "QQ", "399"), currentStatus={"code": "QQ", "statusCode": "399", "type": "D"})

    (event,) = shipment.events
    assert (event.code, event.meaning) == ("D/QQ/399", None)
    assert event.coarse == Ups.codes.meaning("TYPE/D")
    assert shipment.unmapped == ("D/QQ/399",)
    assert shipment.summary is not None
    assert shipment.summary.meaning == Ups.codes.meaning("TYPE/D")


@pytest.mark.parametrize(
    ("current", "key"),
    [
        ({"code": "011"}, "STATUS/011"),
        ({"code": "11", "statusCode": 11, "type": "D"}, "STATUS/011"),
        ({"code": "SR", "statusCode": "003", "type": "X"}, "STATUS/003"),
        ({"code": "2Q", "statusCode": "011", "type": "D"}, "DELIVERY/2Q"),
        ({"type": "X"}, "TYPE/X"),
    ],
)
def test_current_status(current: dict[str, Any], key: str) -> None:
    summary = shipment_of(currentStatus=current).summary

    assert summary is not None
    assert (summary.code, summary.meaning) == (key, Ups.codes[key])


# Times


@pytest.mark.parametrize(
    ("clock", "expected", "zone"),
    [
        (
            {"date": "20260202", "time": "120435", "gmtDate": "20260202", "gmtTime": "20:04:35", "gmtOffset": "-08:00"},
            "2026-02-02T12:04:35-08:00",
            ZoneSource.GIVEN,
        ),
        # no padding, no colons
        (
            {"date": "20260202", "time": "74700", "gmtDate": "20260202", "gmtTime": "134700", "gmtOffset": "-06:00"},
            "2026-02-02T07:47:00-06:00",
            ZoneSource.GIVEN,
        ),
        ({"date": "20260202", "time": "5", "gmtOffset": "+05:30"}, "2026-02-02T00:00:05+05:30", ZoneSource.GIVEN),
        # gmtTime is UTC already; two of the three are enough, across midnight too
        (
            {"date": "20260320", "time": "070700", "gmtDate": "20260319", "gmtTime": "23:07:00"},
            "2026-03-20T07:07:00+08:00",
            ZoneSource.GIVEN,
        ),
        (
            {"gmtDate": "20260319", "gmtTime": "23:07:00", "gmtOffset": "+08:00"},
            "2026-03-20T07:07:00+08:00",
            ZoneSource.GIVEN,
        ),
        ({"gmtDate": "20260319", "gmtTime": "23:07:00"}, "2026-03-19T23:07:00+00:00", ZoneSource.GIVEN),
        # an impossible distance to UTC is no zone
        (
            {"date": "20260325", "time": "070700", "gmtDate": "20260319", "gmtTime": "23:07:00"},
            "2026-03-19T23:07:00+00:00",
            ZoneSource.GIVEN,
        ),
        # nothing of UTC: the zone of the scan's place, and marked so
        ({"date": "20260702", "time": "120000"}, "2026-07-02T12:00:00+02:00", ZoneSource.ASSUMED),
        ({"date": "20260702"}, "2026-07-02T00:00:00+02:00", ZoneSource.ASSUMED),
    ],
)
def test_times(clock: dict[str, str], expected: str, zone: ZoneSource) -> None:
    place = {"location": {"address": {"city": "Kassel", "countryCode": "DE"}}}

    (event,) = shipment_of({**scan(**clock), **place}).events

    assert event.occurred_at == datetime.fromisoformat(expected)
    assert event.occurred_at.isoformat() == expected
    assert event.zone is zone


@pytest.mark.parametrize("day", ["", "00010101", "2026-03-01", "20261301", "X" * 8])
def test_a_scan_without_a_readable_time_is_dropped_and_the_rest_kept(day: str) -> None:
    shipment = shipment_of(scan("D", "FS", "011", date=day, time="101010"), scan())

    assert [event.code for event in shipment.events] == ["MOVEMENT/AR"]


def test_events_come_newest_first_and_in_ups_s_order_at_one_instant() -> None:
    at = {"date": "20260303", "time": "061400", "gmtOffset": "-07:00"}
    later = {**at, "time": "061500"}

    shipment = shipment_of(scan("I", "OT", "021", **at), scan("I", "YP", "071", **at), scan("D", "FS", "011", **later))

    assert [event.code for event in shipment.events] == ["STATUS/011", "STATUS/021", "STATUS/071"]


@pytest.mark.parametrize(
    ("dates", "window", "expected"),
    [
        ([("SDD", "20260306")], {"type": "EOD", "endTime": "120000"}, "2026-03-06T23:59:00+01:00"),
        ([("SDD", "20260306")], {"type": "CMT", "endTime": "103000"}, "2026-03-06T10:30:00+01:00"),
        ([("SDD", "20260306")], {"type": "EDW", "endTime": "93000"}, "2026-03-06T09:30:00+01:00"),
        ([("RDD", "20260309"), ("SDD", "20260306")], {}, "2026-03-09T23:59:00+01:00"),
        ([("DEL", "20260306")], {"type": "DEL", "endTime": "142210"}, None),
        ([("SDD", "soon")], {}, None),
    ],
)
def test_estimated_delivery(dates: list[tuple[str, str]], window: dict[str, str], expected: str | None) -> None:
    shipment = shipment_of(
        deliveryDate=[{"type": kind, "date": day} for kind, day in dates],
        deliveryTime=window,
        packageAddress=[{"type": "DESTINATION", "address": {"city": "Kassel", "countryCode": "DE"}}],
    )

    found = shipment.estimated_delivery
    assert (found and found.isoformat()) == expected


# Packages and errors


def test_the_package_asked_for_is_found_by_its_alternate_number() -> None:
    postal = TrackingNumber("9261290100000000000007")
    other = {"trackingNumber": "1Z8W47A20300001996", "activity": [scan("D", "FS", "011")]}
    own = {"trackingNumber": NUMBER, "alternateTrackingNumber": [{"type": "USPS_PIC", "number": postal}]}

    (shipment,) = report([other, {**own, "activity": [scan()]}], postal).shipments

    assert [event.code for event in shipment.events] == ["MOVEMENT/AR"]


def test_a_sibling_never_stands_in_for_a_package_the_answer_leaves_out() -> None:
    found = report([{"trackingNumber": "1Z8W47A20300001996", "activity": [scan("D", "FS", "011")]}], NUMBER)

    assert type(found.error).__name__ == "NotFound"


def test_without_the_number_asked_the_inquiry_number_is_reported() -> None:
    found = report([{"trackingNumber": "1Z8W47A20300001996"}, {"trackingNumber": NUMBER, "activity": [scan()]}])

    assert found.number == NUMBER
    assert len(found.shipments[0].events) == 1


def test_an_answer_about_no_number_is_unreadable() -> None:
    with pytest.raises(BadPayload):
        read(Ups(), Reply((), 200, b'{"trackResponse":{"shipment":[]}}'))


def test_a_warning_beside_a_package_changes_nothing() -> None:
    packages = [{"trackingNumber": NUMBER, "activity": [scan()]}]

    assert report(packages, NUMBER, warnings=[{"code": "TW0001", "message": "Not Found"}]).error is None


def test_the_call_is_the_same_each_time_and_carries_what_ups_demands() -> None:
    call = Ups().call([NUMBER])

    assert call.path == f"/api/track/v1/details/{NUMBER}"
    assert len(call.headers["transId"]) == 32
    assert call.headers["transactionSrc"] == "fulfillment-tracker"
    assert call == Ups().call([NUMBER])
    assert call.headers["transId"] != Ups().call([TrackingNumber("1Z8W47A20300001996")]).headers["transId"]


# The tables


@pytest.mark.parametrize(
    ("table", "size"),
    [
        (tables.STATUS, 160),
        (tables.MOVEMENT, 38),
        (tables.MANIFEST, 4),
        (tables.UPDATE, 3),
        (tables.DELIVERY, 151 + 2),  # FS and KB are not in the appendix
        (tables.EXCEPTION, 687),
        (tables.MAIL_INNOVATIONS, 214),
        (tables.FREIGHT, 66),
        (tables.FREIGHT_EXCEPTION, 207),
    ],
)
def test_the_appendix_is_complete(table: Codes, size: int) -> None:
    assert len(table) == size


def test_vague_status_codes_are_status_codes() -> None:
    assert set(tables.STATUS) >= tables.VAGUE_STATUS


@pytest.mark.parametrize(
    ("expected", "keys"),
    [
        ("CONFIRMED", "STATUS/003 STATUS/044 STATUS/079 MOVEMENT/OC MOVEMENT/PL MANIFEST/MP EXCEPTION/5D"),
        ("CARRIER_PICKED_UP", "STATUS/160 STATUS/169 MOVEMENT/XD EXCEPTION/Z5 DELIVERY/VS"),
        ("IN_TRANSIT", "MOVEMENT/YP MOVEMENT/DS STATUS/137 EXCEPTION/LX EXCEPTION/TE DELIVERY/4X"),
        ("IN_TRANSIT+still", "STATUS/126 STATUS/070 EXCEPTION/RZ EXCEPTION/4C EXCEPTION/Y1 DELIVERY/B2"),
        ("OUT_FOR_DELIVERY", "STATUS/078 MOVEMENT/YF DELIVERY/2K EXCEPTION/ZS"),
        ("ATTEMPTED_DELIVERY", "STATUS/066 EXCEPTION/3J EXCEPTION/2X EXCEPTION/YD DELIVERY/CI"),
        ("READY_FOR_PICKUP", "STATUS/144 EXCEPTION/I5 DELIVERY/EP MAIL-INNOVATIONS/1D/IC"),
        ("READY_FOR_PICKUP+reopen", "DELIVERY/5F"),
        ("PICKED_UP", "EXCEPTION/FT MAIL-INNOVATIONS/1G/IC MAIL-INNOVATIONS/PP/H6"),
        ("DELIVERED", "STATUS/026 STATUS/156 DELIVERY/P5 DELIVERY/FS EXCEPTION/56 FREIGHT-EXCEPTION/12"),
        ("DELAYED", "STATUS/059 STATUS/132 EXCEPTION/6 EXCEPTION/45 EXCEPTION/A4 FREIGHT-EXCEPTION/FX"),
        ("ON_HOLD", "STATUS/019 STATUS/124 EXCEPTION/7P EXCEPTION/29 EXCEPTION/T3 DELIVERY/ST"),
        ("FAILURE", "STATUS/064 STATUS/068 STATUS/147 EXCEPTION/KT EXCEPTION/1F EXCEPTION/TJ DELIVERY/53"),
        ("FAILURE+return", "STATUS/118 EXCEPTION/3N EXCEPTION/UA EXCEPTION/DL MAIL-INNOVATIONS/SQ/A4"),
        ("DELAYED+reopen", "EXCEPTION/TL STATUS/130 EXCEPTION/UO"),
        ("None", "STATUS/033 STATUS/119 STATUS/148 STATUS/155 EXCEPTION/CS EXCEPTION/HD MOVEMENT/CA"),
    ],
)
def test_codes_that_are_easily_misread(expected: str, keys: str) -> None:
    for key in keys.split():
        assert str(shown(Ups.codes[key])) == expected, key
