"""Purolator beyond the contract: descriptions that refine scan types, names kept out of them, the request."""

import pytest

from carriers.purolator import Purolator, PurolatorOptions
from carriers.sdk import Effect, Event, FulfillmentStatus, Reply, TrackingNumber, read, record, records, text

PIN = TrackingNumber("329014000101")


def event(kind: str, description: str, depot: str = "REGINA, SK", clock: str = "101500") -> Event:
    body = (
        "<Envelope><Body><TrackPackagesByPinResponse><TrackingInformationList><TrackingInformation>"
        f"<PIN><Value>{PIN}</Value></PIN><Scans><Scan><ScanType>{kind}</ScanType><Depot><Name>{depot}</Name></Depot>"
        f"<ScanDate>2026-07-01</ScanDate><ScanTime>{clock}</ScanTime><Description>{description}</Description></Scan>"
        "</Scans></TrackingInformation></TrackingInformationList></TrackPackagesByPinResponse></Body></Envelope>"
    )
    return read(Purolator(), Reply((PIN,), 200, body.encode()))[0].shipments[0].events[0]


@pytest.mark.parametrize(
    ("kind", "description", "status", "effect"),
    [
        ("ProofOfPickUp", "Picked up by Purolator at", "CARRIER_PICKED_UP", Effect.NONE),
        ("Other", "Shipping label created", "CONFIRMED", Effect.NONE),
        ("Other", "New Tracking Number Assigned -", None, Effect.NONE),
        ("Other", "Something new on the road", "IN_TRANSIT", Effect.NONE),
        ("OnDelivery", "On vehicle for delivery", "OUT_FOR_DELIVERY", Effect.NONE),
        ("Delivery", "Shipment delivered", "DELIVERED", Effect.NONE),
        ("Delivery", "Delivered to Customer by Locker", "PICKED_UP", Effect.NONE),
        ("Undeliverable", "Attempted delivery - customer closed", "ATTEMPTED_DELIVERY", Effect.NONE),
        ("Undeliverable", "Refused", "FAILURE", Effect.NONE),
        ("Undeliverable", "Attempted delivery - refused by receiver", "FAILURE", Effect.NONE),
        ("Undeliverable", "Shipment unclaimed - to be returned to sender", "FAILURE", Effect.NONE),
        ("Undeliverable", "Unable to deliver - item returned to shipper", "FAILURE", Effect.RETURN),
        (
            "Undeliverable",
            "Returned to sender.  Shipment no longer available for pickup",
            "FAILURE",
            Effect.RETURN,
        ),
        (
            "Undeliverable",
            "Available for pickup for 5 business days from arrival date at the counter",
            "READY_FOR_PICKUP",
            Effect.NONE,
        ),
        (
            "Undeliverable",
            "Item available for receiver to pick up at post office",
            "READY_FOR_PICKUP",
            Effect.NONE,
        ),
        ("Undeliverable", "Shipment created - final manifest received", "CONFIRMED", Effect.NONE),
        ("Undeliverable", "Departed sort facility", "IN_TRANSIT", Effect.NONE),
        ("Undeliverable", "Delivery rescheduled", "DELAYED", Effect.NONE),
        ("Undeliverable", "Nobody knows these words", "DELAYED", Effect.NONE),
    ],
)
def test_descriptions(kind: str, description: str, status: str | None, effect: Effect) -> None:
    meaning = event(kind, description).meaning

    assert meaning is not None
    assert (meaning.status, meaning.effect) == (FulfillmentStatus(status) if status else None, effect)


@pytest.mark.parametrize(
    ("description", "shown"),
    [
        ("Shipment delivered to R FAIRWEATHER", "Shipment delivered"),
        ("Shipment refused by T ABERNATHY", "Shipment refused"),
        ("Received by Purolator for processing at", "Received by Purolator for processing at"),
    ],
)
def test_nobody_is_named(description: str, shown: str) -> None:
    assert event("Delivery", description).description == shown


@pytest.mark.parametrize(
    ("depot", "clock", "expected", "country"),
    [
        ("MONTREAL SORT CTR/CTR TRIE, PQ", "172300", "2026-07-01T17:23:00-04:00", "CA"),
        ("TORONTO ON", "172300", "2026-07-01T17:23:00-04:00", "CA"),
        ("GANDER, NL", "172300", "2026-07-01T17:23:00-02:30", "CA"),
        ("REGINA, SK", "91500", "2026-07-01T09:15:00-06:00", "CA"),
        ("SEATTLE, WA", "91500", "2026-07-01T09:15:00-07:00", "US"),
        ("PUROLATOR", "91500", "2026-07-01T09:15:00-04:00", None),
    ],
)
def test_depot(depot: str, clock: str, expected: str, country: str | None) -> None:
    found = event("Other", "Departed", depot, clock)

    assert found.occurred_at.isoformat() == expected
    assert (found.place.country if found.place else None) == country


def test_one_request_asks_for_all_pins() -> None:
    numbers = [PIN, TrackingNumber("329014000102")]

    call = Purolator().call(numbers)
    envelope = record(Reply((), 200, call.body or b"").xml(), "Envelope")

    assert [
        text(pin, "Value") for pin in records(envelope, "Body", "TrackPackagesByPinRequest", "PINs", "PIN")
    ] == numbers
    assert "UserToken" not in record(envelope, "Header", "RequestContext")


def test_a_user_token_goes_with_it_where_there_is_one() -> None:
    call = Purolator(PurolatorOptions(user_token="T&1")).call([PIN])

    envelope = record(Reply((), 200, call.body or b"").xml(), "Envelope")
    assert text(envelope, "Header", "RequestContext", "UserToken") == "T&1"
