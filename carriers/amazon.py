"""Amazon Shipping: API v2 of the Selling Partner API, one number a call.

Owns Amazon's codes, its regions, and the leg an event belongs to. Knows no clock, no HTTP library and no other
carrier. Source: Amazon's reference of the Shipping API v2; a doubt stands beside its line.

It tells of parcels bought through Amazon Shipping. Numbers (TBA...) of orders that Amazon itself delivers for its
shop are not the merchant's to ask about.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal

from pydantic import Field

from carriers.sdk import (
    BadPayload,
    Call,
    Carrier,
    CarrierError,
    CarrierOptions,
    Codes,
    Event,
    Info,
    NotFound,
    OAuth2,
    Place,
    Quota,
    Reply,
    Report,
    Shipment,
    Summary,
    TrackingNumber,
    country_code,
    instant,
    record,
    records,
    text,
    tracking_number,
)

# Keys: event codes, and the words of `summary.status`, which mean the same where they are spelled alike;
# `RETURNS/...` for the events of the leg back to the sender; `DETAIL/...` for the reasons beside the status, looked at
# where its word is unknown or missing.
CODES = Codes(
    CONFIRMED="ReadyForReceive PreTransit",
    CARRIER_PICKED_UP="PickupDone",
    IN_TRANSIT="""
        Departed ArrivedAtCarrierFacility InTransit
        DETAIL/ArrivedAtLocalFacility
    """,
    OUT_FOR_DELIVERY="OutForDelivery",
    ATTEMPTED_DELIVERY="""
        DeliveryAttempted
        DETAIL/DeliveryAttempted DETAIL/BusinessClosed DETAIL/CustomerUnavailable DETAIL/PaymentNotReady
        DETAIL/OtpNotAvailable DETAIL/UnableToAccess DETAIL/UnableToContactRecipient
    """,
    READY_FOR_PICKUP="AvailableForPickup AwaitingCustomerPickup",
    DELIVERED="""
        Delivered
        DETAIL/DeliveredToBehindWheelieBin DETAIL/DeliveredToPorch DETAIL/DeliveredToGarage DETAIL/DeliveredToGarden
        DETAIL/DeliveredToGreenhouse DETAIL/DeliveredToMailSlot DETAIL/DeliveredToMailRoom DETAIL/DeliveredToNeighbor
        DETAIL/DeliveredToRearDoor DETAIL/DeliveredToReceptionist DETAIL/DeliveredToShed DETAIL/DeliveredWithOTP
        DETAIL/Signed
    """,
    FAILURE="""
        Lost Rejected Undeliverable
        ReturnInitiated         # decided; its leg has events of its own
        PickupCancelled         # before Amazon had it
        DETAIL/Rejected DETAIL/RejectedByRecipientWithVerification DETAIL/CancelledByRecipient DETAIL/NotRequired
        DETAIL/IncorrectItems DETAIL/AddressNotFound DETAIL/Undeliverable DETAIL/HazmatShipment
        DETAIL/Damaged          # as the reason of a status, not of a scan: beyond delivery
    """,
    RETURNING="""
        RETURNS                 # whatever happens on that leg
        RETURNS/ReadyForReceive RETURNS/PickupDone RETURNS/Departed RETURNS/ArrivedAtCarrierFacility
        RETURNS/OutForDelivery RETURNS/DeliveryAttempted RETURNS/AvailableForPickup RETURNS/Delivered
        RETURNS/Lost RETURNS/Rejected RETURNS/Undeliverable RETURNS/ReturnInitiated RETURNS/PickupCancelled
    """,
    INFORMATIONAL="""
        RecipientRequestedAlternateDeliveryTiming RETURNS/RecipientRequestedAlternateDeliveryTiming
    """,
)

#: Host of each region, and of its sandbox.
REGIONS: Mapping[str, str] = {
    "na": "sellingpartnerapi-na.amazon.com",
    "eu": "sellingpartnerapi-eu.amazon.com",
    "fe": "sellingpartnerapi-fe.amazon.com",
}


class AmazonOptions(CarrierOptions):
    """What a merchant can set for Amazon Shipping."""

    region: Literal["na", "eu", "fe"] = Field(
        "na", description="Where the seller account is: North America, Europe with India, Far East."
    )
    carrier_id: str = Field(
        "AMZN_US", min_length=1, description="Amazon's id of the carrier, as its rates have it: AMZN_US, AMZN_UK, ..."
    )
    business_id: str = Field(
        "", description="Amazon Shipping business, such as AmazonShipping_UK; empty: Amazon takes the account's first."
    )


class Amazon(Carrier):
    """Amazon Shipping, for orders of any shop."""

    info = Info(
        code="amazon",
        name="Amazon Shipping",
        docs="https://developer-docs.amazon.com/amazon-shipping/docs/shipping-api-v2-reference",
        auth=OAuth2(
            "https://api.amazon.com/auth/o2/token",
            refresh_field="refresh_token",
            header="x-amz-access-token",
        ),
        production=f"https://{REGIONS['na']}",
        sandbox=f"https://sandbox.{REGIONS['na']}",
        tracking_page="https://track.amazon.com/tracking/{number}",  # unverified
        quota=Quota(per_second=80),
        names=(
            "Amazon",
            "Amazon Logistics",
            "Amazon Logistics US",
            "Amazon Logistics UK",
            "Amazon Shipping US",
            "Amazon Shipping UK",
            "AMZL",
            "AMZL US",
            "AMZN",
        ),
    )
    codes = CODES
    Options: ClassVar[type[CarrierOptions]] = AmazonOptions

    def __init__(self, options: CarrierOptions | None = None) -> None:
        """With the hosts of the account's region."""
        super().__init__(options)
        assert isinstance(self.options, AmazonOptions)  # noqa: S101 - what the class itself declares
        self._account: AmazonOptions = self.options
        host = REGIONS[self._account.region]
        self.info = replace(Amazon.info, production=f"https://{host}", sandbox=f"https://sandbox.{host}")

    def call(self, numbers: Sequence[TrackingNumber]) -> Call:
        """One GET for one number."""
        (number,) = numbers
        business = {"x-amzn-shipping-business-id": self._account.business_id} if self._account.business_id else {}
        return Call.get(
            numbers,
            "/shipping/v2/tracking",
            query={"trackingId": number, "carrierId": self._account.carrier_id},
            headers=business,
        )

    def parse(self, reply: Reply) -> Iterable[Report]:
        """One Report: for the number asked, else for the one the answer is about."""
        if not 200 <= reply.status < 300:
            raise _failure(reply)
        payload = record(reply.json(), "payload")
        if not payload:
            raise BadPayload("no payload")
        try:
            number = reply.numbers[0] if reply.numbers else tracking_number(text(payload, "trackingId"))
        except ValueError:
            raise BadPayload("no trackingId") from None
        shipment = _shipment(payload)
        if not shipment.events and shipment.summary is None:
            raise BadPayload("neither events nor a status")
        return [Report(number, (shipment,))]


def _failure(reply: Reply) -> CarrierError:
    """The error of an answer other than 2xx. A 404 is "not found" only in Amazon's own words."""
    try:
        errors = records(reply.json(), "errors")
    except BadPayload as unreadable:
        return unreadable if reply.status == 404 else reply.failure() or unreadable
    said = f"{text(errors[0], 'code')}: {text(errors[0], 'message')}"[:300].strip(": ") if errors else ""
    standard = reply.failure(said) or BadPayload(f"HTTP {reply.status}")
    return BadPayload("HTTP 404 without an error") if isinstance(standard, NotFound) and not errors else standard


def _shipment(payload: dict[str, Any]) -> Shipment:
    """One shipment, with both of its legs."""
    promised = instant(text(payload, "promisedDeliveryDate"))
    events = sorted(_events(payload), key=lambda event: event.occurred_at, reverse=True)
    return Shipment(
        events=tuple(events),
        summary=_summary(record(payload, "summary")),
        estimated_delivery=promised[0] if promised else None,
        signed_by=text(payload, "summary", "proofOfDelivery", "receivedBy") or None,
    )


def _events(payload: dict[str, Any]) -> Iterator[Event]:
    """The events of both legs; Amazon lists the oldest first, and says nothing beside the code."""
    for event in reversed(records(payload, "eventHistory")):
        when = instant(text(event, "eventTime"))
        own = text(event, "eventCode")
        if when is None or not own:
            continue
        back = text(event, "shipmentType").upper() == "RETURNS"
        code = f"RETURNS/{own}" if back else own
        location = record(event, "location")
        place = Place(
            text(location, "city"),
            text(location, "stateOrRegion"),
            text(location, "postalCode"),
            country_code(text(location, "countryCode")),
        )
        yield Event(
            *when,
            code,
            CODES.meaning(code),
            place=place if any(place) else None,
            coarse=CODES.meaning("RETURNS") if back else None,
        )


def _summary(summary: dict[str, Any]) -> Summary | None:
    """Amazon's word for the shipment, or the reason beside it where the table lacks the word."""
    word = text(summary, "status")
    details = record(summary, "trackingDetailCodes").get("forward")
    reasons = [f"DETAIL/{text(detail)}" for detail in details if text(detail)] if isinstance(details, list) else []
    for code in (word, *reversed(reasons)):
        if CODES.meaning(code) is not None:
            return Summary(code, CODES.meaning(code))
    return Summary(word, None) if word else None
