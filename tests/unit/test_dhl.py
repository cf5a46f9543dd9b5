"""DHL: what the contract's recorded answers don't show."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson
import pytest

from carriers.dhl import CODES, DHL, DHLOptions
from carriers.sdk import BadPayload, Effect, Event, Place, Reply, Report, Shipment, TrackingNumber, ZoneSource, read

NUMBER = TrackingNumber("9990000099")


def reading(*shipments: Mapping[str, Any], numbers: tuple[str, ...] = (NUMBER,)) -> list[Report]:
    asked = tuple(TrackingNumber(number) for number in numbers)
    return read(DHL(), Reply(asked, 200, orjson.dumps({"shipments": shipments})))


def shipment(**fields: Any) -> Shipment:
    [report] = reading({"id": NUMBER, **fields})
    [found] = report.shipments
    return found


def event(service: str = "express", address: Mapping[str, str] | None = None, **fields: Any) -> Event:
    told = {"timestamp": "2026-05-05T10:00:00", "location": {"address": address or {}}, **fields}
    [found] = shipment(service=service, events=[told]).events
    return found


def test_call_asks_one_number_with_the_account_s_options() -> None:
    carrier = DHL(DHLOptions(language="de", service="parcel-de", requester_country_code="DE"))

    call = carrier.call([TrackingNumber("JJD9990000001")])

    assert call.path == "/track/shipments"
    assert call.query == {
        "trackingNumber": "JJD9990000001",
        "language": "de",
        "service": "parcel-de",
        "requesterCountryCode": "DE",
    }
    assert DHL().call([NUMBER]).query == {"trackingNumber": NUMBER, "language": "en"}


@pytest.mark.parametrize(
    ("service", "fields", "code"),
    [
        ("express", {"status": "WC", "statusCode": "transit"}, "EXPRESS/WC"),
        ("parcel-de", {"status": "ZU", "statusCode": "delivered"}, "PARCEL-DE/ZU"),
        ("parcel-de", {"status": "DELIVERED", "statusCode": "delivered"}, "STATUS/DELIVERED"),
        ("post-de/svb", {"status": "DELIVERED", "statusCode": "delivered"}, "POST-DE-SVB/DELIVERED"),
        ("parcel-de", {"description": "Die Sendung wurde in das Zustellfahrzeug geladen."}, "PARCEL-DE/PO"),
        # The sentence alone tells that the delivery was the sender's.
        ("parcel-de", {"status": "ZU", "description": "The shipment was returned to the sender"}, None),
        ("parcel-nl", {"status": "INCORRECT/UNKNOWN_PIN"}, "PARCEL-NL/INCORRECT/UNKNOWN_PIN"),
        ("sameday", {"status": "at the gate", "statusCode": "transit"}, "SAMEDAY/AT_THE_GATE"),
        ("freight", {"description": "Waiting for a ferry"}, "FREIGHT/WAITING_FOR_A_FERRY"),
        ("", {"statusCode": "pre-transit"}, "STATUS/PRE-TRANSIT"),
    ],
)
def test_key_of_an_event(service: str, fields: Mapping[str, str], code: str | None) -> None:
    found = event(service, None, **fields)

    assert found.code == (code or "PARCEL-DE/TEXT-RETURNING")
    assert CODES.meaning(found.code) == found.meaning


def test_an_unmapped_code_leaves_the_coarse_word_to_decide_and_unknown_decides_nothing() -> None:
    failed = event("freight", status="77-7", statusCode="failure")
    unknown = event("freight", status="77-8", statusCode="unknown")

    assert failed.meaning is None
    assert failed.coarse is not None
    assert failed.coarse.status == "ATTEMPTED_DELIVERY"
    assert unknown.coarse is not None
    assert unknown.coarse.status is None


@pytest.mark.parametrize(
    ("code", "status", "effect"),
    [
        ("ECOMMERCE-EUROPE/44", "READY_FOR_PICKUP", Effect.NONE),
        ("ECOMMERCE-EUROPE/66", "PICKED_UP", Effect.NONE),
        ("ECOMMERCE-EUROPE/302", "IN_TRANSIT", Effect.NONE),
        ("ECOMMERCE-EUROPE/366", "FAILURE", Effect.RETURN),
        ("POST-DE-SVB/FETCHED_PACKSTATION", "PICKED_UP", Effect.NONE),
        ("POST-DE-SVB/RETURNED_TO_SENDER", "FAILURE", Effect.RETURN),
        ("PARCEL-NL/REFUSED_BY_RECEIVER", "FAILURE", Effect.NONE),
        ("PARCEL-NL/NOTIFICATION_FOR_PARCELSHOP_COLLECTION_HAS_FAILED", "READY_FOR_PICKUP", Effect.NONE),
        ("PARCEL-NL/DELIVERED_AT_PARCELSHOP", None, Effect.NONE),
        ("PARCEL-PL/REZ", "FAILURE", Effect.NONE),
        ("PARCEL-PL/ZWR", "FAILURE", Effect.RETURN),
        ("EXPRESS/RT", "FAILURE", Effect.RETURN),
        ("EXPRESS/SM", "IN_TRANSIT", Effect.STILL),
        ("ECOMMERCE/642", "IN_TRANSIT", Effect.NONE),
    ],
)
def test_codes_that_other_trackers_misread(code: str, status: str | None, effect: Effect) -> None:
    assert (CODES[code].status, CODES[code].effect) == (status, effect)


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ({"addressLocality": "Radefeld, Germany"}, Place(city="Radefeld", country="DE")),
        ({"addressLocality": "Germany"}, Place(country="DE")),
        ({"addressLocality": "CINCINNATI HUB, OH - USA"}, Place(city="CINCINNATI HUB", state="OH", country="US")),
        ({"addressLocality": "EAST MIDLANDS - UK"}, Place(city="EAST MIDLANDS", country="GB")),
        ({"addressLocality": "WILKES-BARRE", "countryCode": "US"}, Place(city="WILKES-BARRE", country="US")),
        ({"addressLocality": "Atlanta, Georgia", "countryCode": "US"}, Place(city="Atlanta, Georgia", country="US")),
        ({"addressLocality": "LOS ANGELES, CA"}, Place(city="LOS ANGELES, CA")),
        ({"countryCode": "de", "postalCode": "04435"}, Place(postal_code="04435", country="DE")),
        ({"countryCode": "nowhere"}, None),
    ],
)
def test_place(address: Mapping[str, str], place: Place | None) -> None:
    assert event(address=address, status="AF").place == place


@pytest.mark.parametrize(
    ("service", "timestamp", "address", "word", "iso", "zone"),
    [
        # Express: local at the place, and a Z on it is decoration.
        ("express", "2026-05-05T10:00:00", {"countryCode": "JP"}, "transit", "2026-05-05T10:00+09:00", "assumed"),
        ("express", "2026-05-05T10:00:00Z", {"countryCode": "JP"}, "transit", "2026-05-05T10:00+09:00", "assumed"),
        # No place: where the shipment comes from, or goes to, as fits.
        ("express", "2026-05-05T10:00:00", {}, "pre-transit", "2026-05-05T10:00+02:00", "assumed"),
        ("express", "2026-05-05T10:00:00", {}, "delivered", "2026-05-05T10:00-07:00", "assumed"),
        ("parcel-de", "2026-05-05T10:00:00", {}, "transit", "2026-05-05T10:00+02:00", "assumed"),
        # Stated offsets stand.
        ("parcel-nl", "2026-05-05T10:00:00+02:00", {}, "transit", "2026-05-05T10:00+02:00", "given"),
        ("parcel-pl", "2026-05-05T10:00:00Z", {}, "transit", "2026-05-05T10:00+00:00", "given"),
    ],
)
def test_times(service: str, timestamp: str, address: Mapping[str, str], word: str, iso: str, zone: str) -> None:
    found = shipment(
        service=service,
        origin={"address": {"countryCode": "IT"}},
        destination={"address": {"countryCode": "US", "postalCode": "94105"}},
        events=[{"timestamp": timestamp, "location": {"address": address}, "statusCode": word, "status": "XX"}],
    )

    assert (found.events[0].occurred_at, found.events[0].zone) == (datetime.fromisoformat(iso), ZoneSource(zone))


def test_a_z_beside_bare_times_is_no_offset() -> None:
    found = shipment(
        service="freight",
        destination={"address": {"countryCode": "FI"}},
        status={"timestamp": "2026-09-01T16:45:00Z", "status": "21-0"},
        events=[
            {"timestamp": "2026-09-01T08:05:00Z", "status": "24-501"},
            {"timestamp": "2026-09-01T16:45:00", "status": "21-0"},
        ],
    )

    assert [told.code for told in found.events] == ["FREIGHT/21-0", "FREIGHT/24-501"]
    assert [str(told.occurred_at) for told in found.events] == [
        "2026-09-01 16:45:00+03:00",
        "2026-09-01 08:05:00+03:00",
    ]


@pytest.mark.parametrize(
    ("promise", "iso"),
    [
        ({"estimatedTimeOfDelivery": "2026-05-05T00:00:00Z"}, "2026-05-05T23:59-07:00"),
        ({"estimatedTimeOfDelivery": "2026-05-05"}, "2026-05-05T23:59-07:00"),
        ({"estimatedTimeOfDelivery": "2026-05-05T14:00:00"}, "2026-05-05T14:00-07:00"),
        (
            {
                "estimatedTimeOfDelivery": "2026-05-05T10:00:00",
                "estimatedDeliveryTimeFrame": {"estimatedThrough": "2026-05-05T15:30:00-07:00"},
            },
            "2026-05-05T15:30-07:00",
        ),
        ({"estimatedTimeOfDelivery": "0001-01-01T00:00:00"}, None),
    ],
)
def test_estimated_delivery(promise: Mapping[str, Any], iso: str | None) -> None:
    found = shipment(
        service="express", destination={"address": {"countryCode": "US", "postalCode": "94105"}}, **promise
    )

    assert found.estimated_delivery == (datetime.fromisoformat(iso) if iso else None)


def test_names_stay_out_of_events() -> None:
    found = shipment(
        service="express",
        details={
            "receiver": {"name": "Ada Quill"},
            "proofOfDelivery": {"signed": {"givenName": "Ada", "familyName": "Quill"}},
        },
        events=[
            {
                "timestamp": "2026-05-05T10:00:00",
                "status": "OK",
                "description": "Delivered - Signed for by: ADA QUILL",
                "remark": "Left with Ada Quill",
                "nextSteps": "Call Ada Quill",
            }
        ],
    )

    assert found.signed_by == "Ada Quill"
    assert "quill" not in repr(found).lower()
    assert found.events[0].description == "Delivered"


def test_each_service_is_a_shipment_of_its_own() -> None:
    [report] = reading({"id": NUMBER, "service": "express"}, {"id": NUMBER, "service": "freight"})

    assert [found.id for found in report.shipments] == [f"express/{NUMBER}", f"freight/{NUMBER}"]


def test_ids_gain_and_lose_prefixes() -> None:
    [report] = reading({"id": "JJD9990000099", "service": "parcel-de"})
    first, second, third = reading(
        {"id": "JJD9990000011"}, {"id": "9990000022"}, numbers=("9990000011", "009990000022", "9990000033")
    )

    assert (report.number, report.error) == (NUMBER, None)
    assert first.shipments
    assert second.shipments
    assert type(third.error).__name__ == "NotFound"


def test_unasked_every_number_is_reported() -> None:
    reports = reading({"id": "9990000011"}, {"id": "9990000022"}, {"id": None}, numbers=())

    assert [report.number for report in reports] == ["9990000011", "9990000022"]
    with pytest.raises(BadPayload, match="no shipment has a readable id"):
        reading({"service": "express"}, numbers=())


def test_a_404_that_is_not_dhl_s_own_is_no_unknown_number() -> None:
    with pytest.raises(BadPayload):
        read(DHL(), Reply((NUMBER,), 404, b"<html><body>no such page</body></html>"))
