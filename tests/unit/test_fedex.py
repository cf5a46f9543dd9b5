"""FedEx: what the recorded answers do not show. The tables below are FedEx's documented codes, written anew."""

from datetime import UTC, date, datetime
from typing import Any

import orjson
import pytest

from carriers.fedex import FedEx
from carriers.sdk import (
    INFORMATIONAL,
    AuthFailed,
    BadPayload,
    CarrierError,
    Effect,
    FulfillmentStatus,
    InvalidNumber,
    NotFound,
    RateLimited,
    Reply,
    Report,
    Shipment,
    Unavailable,
    ZoneSource,
    read,
    tracking_number,
)

NUMBER = tracking_number("794600000013")
OTHER = tracking_number("794600000024")
FEDEX = FedEx()

EVENT_TYPES = {
    "CONFIRMED": "OC MD EP AP",
    "CARRIER_PICKED_UP": "DO PU PX IP",
    "IN_TRANSIT": "OF AA AC AF AR AX DP EA EO FD IT IX LO OW PF PL PM SF TR CP CC AE AO SP",
    "OUT_FOR_DELIVERY": "AD ED OD",
    "ATTEMPTED_DELIVERY": "DE",
    "READY_FOR_PICKUP": "HL HP",
    "DELIVERED": "DL",
    "DELAYED": "SE DY DD PD",
    "ON_HOLD": "CD",
    "FAILURE": "CA RS RT",
    None: "IN OX DS DR HA US RR RM RC CH RA PR AS RP RG RD LP LC",
}

EXCEPTIONS = {
    "ATTEMPTED_DELIVERY": "DE/007 DE/07 DE/08 DE/15 DE/099 DE/11 DE/30",
    "IN_TRANSIT": "SE/A25 CD/A25 DE/29 DE/41",
    "READY_FOR_PICKUP": "HP/015A",
    "DELAYED": "DE/01 DE/02 DE/05 DE/09 DE/10 DE/12 DE/18 DE/31 DE/32 DE/42 DE/083 SE/083 DE/84 SE/84 DE/85 SE/85",
    "ON_HOLD": "DE/03 SE/03 DE/17 DE/50 SE/50 DE/55 SE/55 DE/93",
    "FAILURE": "DE/14",
    None: "RR/A12 HA/A13 DE/16 DE/59",
}


def table(columns: dict[Any, str]) -> list[tuple[str, str | None]]:
    return [(code, status) for status, codes in columns.items() for code in codes.split()]


def scan(kind: str, when: str = "2026-03-04T10:00:00-07:00", **more: Any) -> dict[str, Any]:
    where = {"city": "DENVER", "stateOrProvinceCode": "CO", "postalCode": "80216", "countryCode": "US"}
    return {"date": when, "eventType": kind, "eventDescription": "Words", "scanLocation": where, **more}


def answer(*tracks: dict[str, Any], status: int = 200) -> Reply:
    results = [{"trackingNumber": NUMBER, "trackResults": list(tracks)}]
    return Reply((NUMBER,), status, orjson.dumps({"output": {"completeTrackResults": results}}))


def report(*tracks: dict[str, Any]) -> Report:
    [only] = read(FEDEX, answer(*tracks))
    return only


def shipment(**track: Any) -> Shipment:
    [only] = report(track).shipments
    return only


def whole_error(status: int, code: str, numbers: tuple[Any, ...] = (NUMBER,), wait: str = "") -> CarrierError | None:
    body = orjson.dumps({"errors": [{"code": code, "message": "Words."}]})
    try:
        return read(FEDEX, Reply(numbers, status, body, {"retry-after": wait}))[0].error
    except CarrierError as error:
        return error


@pytest.mark.parametrize(("code", "status"), table(EVENT_TYPES))
def test_every_documented_event_type_is_mapped(code: str, status: str | None) -> None:
    [event] = shipment(scanEvents=[scan(code)]).events

    assert event.code == code
    assert event.meaning is not None
    assert event.meaning.status == status


@pytest.mark.parametrize(("pair", "status"), table(EXCEPTIONS))
def test_exception_code_refines_the_event_type(pair: str, status: str | None) -> None:
    kind, exception = pair.split("/")

    [event] = shipment(scanEvents=[scan(kind, exceptionCode=exception)]).events

    assert event.code == f"{kind}/{exception.lstrip('0')}"
    assert event.meaning is not None
    assert event.meaning.status == status


@pytest.mark.parametrize("exception", ["71", "000", "Z9Z", "REFUSED_NOT"])
def test_unknown_exception_code_falls_back_to_the_event_type(exception: str) -> None:
    [event] = shipment(scanEvents=[scan("DE", exceptionCode=exception)]).events

    assert event.code == "DE"
    assert event.meaning == FEDEX.codes["DE"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Shipment refused by recipient", "DE/REFUSED"),
        ("Refused by customer.", "DE/REFUSED"),
        ("Recipient refused delivery", "DE/REFUSED"),
        ("Customer not available or business closed", "DE/7"),
        ("Customer has not refused, but was away", "DE/7"),
        ("", "DE/7"),
    ],
)
def test_the_text_decides_whether_an_07_was_a_refusal(text: str, code: str) -> None:
    [event] = shipment(scanEvents=[scan("DE", exceptionCode="07", exceptionDescription=text)]).events

    assert event.code == code
    assert event.meaning == FEDEX.codes.meaning(code)


def test_hold_at_location_is_not_delivered() -> None:
    [event] = shipment(scanEvents=[scan("HL", derivedStatusCode="DL")]).events

    assert event.meaning is not None
    assert event.meaning.status is FulfillmentStatus.READY_FOR_PICKUP


def test_the_coarse_code_of_an_unknown_event_type_is_kept_beside_it() -> None:
    [event] = shipment(scanEvents=[scan("QQ", derivedStatusCode="IN")]).events

    assert (event.code, event.meaning) == ("QQ", None)
    assert event.coarse is not None
    assert event.coarse.status is FulfillmentStatus.CONFIRMED


def test_only_the_return_itself_begins_a_return_leg() -> None:
    begins = [code for code, meaning in FEDEX.codes.items() if meaning.effect is Effect.RETURN]

    assert begins == ["RS"]


def test_a_forecast_is_no_movement() -> None:
    events = shipment(scanEvents=[scan("AE"), scan("DY", delayDetail={"status": "ON_TIME"}), scan("AR")]).events

    assert [event.meaning.moves for event in events if event.meaning] == [False, False, True]


def test_summary_is_refined_by_its_own_reason() -> None:
    summary = shipment(
        latestStatusDetail={"code": "DE", "derivedCode": "DE", "ancillaryDetails": [{"reason": "003"}]}
    ).summary

    assert summary is not None
    assert summary.code == "DE/3"


@pytest.mark.parametrize(
    ("latest", "derived", "code"), [("OX", "IN", "DERIVED/IN"), ("", "IT", "IT"), ("QQ", "DL", "DL"), ("QQ", "", "QQ")]
)
def test_the_coarse_code_stands_in_for_a_summary_that_says_nothing(latest: str, derived: str, code: str) -> None:
    summary = shipment(latestStatusDetail={"code": latest, "derivedCode": derived}).summary

    assert summary is not None
    assert summary.code == code


def test_a_notice_stays_a_notice_where_the_coarse_code_is_missing() -> None:
    summary = shipment(latestStatusDetail={"code": "RR"}).summary

    assert summary is not None
    assert summary.meaning == INFORMATIONAL


def test_promises_in_the_order_they_count() -> None:
    window = {"window": {"begins": "2026-03-05T09:00:00-07:00", "ends": "2026-03-05T13:00:00-07:00"}}
    estimated = [{"type": "ESTIMATED_DELIVERY", "dateTime": "2026-03-06T12:00:00-07:00"}]
    transit = {"window": {"ends": "2026-03-07T20:00:00-07:00"}}

    full = {"estimatedDeliveryTimeWindow": window, "dateAndTimes": estimated, "standardTransitTimeWindow": transit}
    days = []
    for lost in (None, "estimatedDeliveryTimeWindow", "dateAndTimes", "standardTransitTimeWindow"):
        full.pop(lost, None) if lost else None
        promised = shipment(scanEvents=[], **full, serviceDetail={"type": "GROUND"}).estimated_delivery
        days.append(promised.day if promised else None)

    assert days == [5, 6, 7, None]


@pytest.mark.parametrize(
    ("address", "instant"),
    [
        ({"stateOrProvinceCode": "CA", "countryCode": "US"}, datetime(2026, 3, 7, 7, 59, tzinfo=UTC)),
        ({}, datetime(2026, 3, 7, 5, 59, tzinfo=UTC)),
    ],
)
def test_a_promised_midnight_is_the_whole_day_at_the_destination(address: dict[str, str], instant: datetime) -> None:
    promised = shipment(
        dateAndTimes=[{"type": "ESTIMATED_DELIVERY", "dateTime": "2026-03-06T00:00:00-06:00"}],
        recipientInformation={"address": address},
    ).estimated_delivery

    assert promised == instant


def test_bare_scan_time_is_read_where_the_scan_was() -> None:
    [event] = shipment(scanEvents=[scan("PU", "2026-07-02T00:00:00")]).events

    assert event.occurred_at.isoformat() == "2026-07-02T00:00:00-06:00"
    assert event.zone is ZoneSource.ASSUMED


def test_two_shipments_under_one_number_stay_two() -> None:
    def use(unique: str, day: str) -> dict[str, Any]:
        return {
            "trackingNumberInfo": {"trackingNumberUniqueId": unique},
            "dateAndTimes": [{"type": "SHIP", "dateTime": f"{day}T00:00:00-06:00"}],
            "scanEvents": [scan("DL", f"{day}T12:00:00-06:00")],
        }

    old, new = report(use("A~1", "2024-01-05"), use("B~2", "2026-03-02")).shipments

    assert (old.id, old.shipped_on) == ("A~1", date(2024, 1, 5))
    assert (new.id, new.shipped_on) == ("B~2", date(2026, 3, 2))


def test_the_signature_and_the_street_stay_out_of_events() -> None:
    where = {"streetLines": ["17 Quince Lane"], "city": "DENVER", "countryCode": "US"}
    found = shipment(
        scanEvents=[scan("DL", scanLocation=where)],
        deliveryDetails={"receivedByName": "P.NAKAMURA", "signedByName": ""},
    )

    assert found.signed_by == "P.NAKAMURA"
    assert "Quince" not in repr(found)
    assert "NAKAMURA" not in repr(found)


def test_the_call_asks_for_all_scans_in_english() -> None:
    call = FEDEX.call([NUMBER, OTHER])

    assert (call.method, call.path, call.headers["X-locale"]) == ("POST", "/track/v1/trackingnumbers", "en_US")
    assert call.body is not None
    assert orjson.loads(call.body) == {
        "includeDetailedScans": True,
        "trackingInfo": [{"trackingNumberInfo": {"trackingNumber": number}} for number in (NUMBER, OTHER)],
    }


def test_credentials_bear_the_portals_names() -> None:
    assert FEDEX.info.auth.fields == ("api_key", "secret_key")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("TRACKING.TRACKINGNUMBER.NOTFOUND", NotFound),
        ("TRACKING.DATA.NOTFOUND", NotFound),
        ("TRACKING.TRACKINGNUMBER.INVALID", InvalidNumber),
        ("INTERNAL.SERVER.ERROR", Unavailable),
        ("TRACKING.SOMETHING.NEW", BadPayload),
    ],
)
def test_errors_of_one_number(code: str, kind: type[CarrierError]) -> None:
    assert type(report({"error": {"code": code, "message": "Words."}}).error) is kind


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, "NOT.AUTHORIZED.ERROR", AuthFailed),
        (403, "FORBIDDEN.ERROR", AuthFailed),
        (400, "BAD.REQUEST.ERROR", BadPayload),
        (404, "NOT.FOUND.ERROR", Unavailable),
        (422, "INVALID.INPUT.EXCEPTION", BadPayload),
        (429, "TOO.MANY.REQUESTS", RateLimited),
        (500, "INTERNAL.SERVER.ERROR", Unavailable),
        (503, "SERVICE.UNAVAILABLE.ERROR", Unavailable),
        (200, "INTERNAL.SERVER.ERROR", Unavailable),
        (200, "TRACKING.SOMETHING.NEW", BadPayload),
    ],
)
def test_errors_of_a_whole_request(status: int, code: str, kind: type[CarrierError]) -> None:
    assert type(whole_error(status, code)) is kind


def test_a_numbers_error_of_a_whole_request_is_pinned_on_no_batch() -> None:
    assert type(whole_error(400, "TRACKING.TRACKINGNUMBER.INVALID")) is InvalidNumber
    assert type(whole_error(400, "TRACKING.TRACKINGNUMBER.INVALID", (NUMBER, OTHER))) is BadPayload


def test_the_daily_quota_names_no_time_to_wait() -> None:
    told = whole_error(429, "TOO.MANY.REQUESTS", wait="12")
    quota = whole_error(429, "TOO.MANY.REQUESTS")

    assert told is not None
    assert quota is not None
    assert (told.retry_after, quota.retry_after) == (12, None)


@pytest.mark.parametrize(
    "body", [b'{"output":{"completeTrackResults":[]}}', b'{"output":{"completeTrackResults":[{}]}}']
)
def test_an_empty_answer_leaves_the_number_not_found(body: bytes) -> None:
    [only] = read(FEDEX, Reply((NUMBER,), 200, body))

    assert isinstance(only.error, NotFound)


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"output":{}}', b'{"output":{"completeTrackResults":null}}'])
def test_an_answer_of_another_shape_turns_no_number_to_not_found(body: bytes) -> None:
    with pytest.raises(BadPayload):
        read(FEDEX, Reply((NUMBER,), 200, body))


def test_error_messages_stay_short() -> None:
    error = report({"error": {"code": "X" * 10_000, "message": "Y" * 10_000}}).error

    assert error is not None
    assert len(error.message) <= 300
