"""FedEx Track API v1 as the sandbox speaks it: up to 30 numbers a call, times with an offset, errors inside 200.

Source of the shapes: FedEx Track API guide. Exception codes are FedEx's own where documented, else unverified.
"""

from datetime import datetime, time
from random import Random
from typing import Any, ClassVar, NamedTuple
from uuid import UUID

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from carriers.sdk.numbers import TrackingNumber
from carriers.sdk.status import FulfillmentStatus
from tracker.sandbox.carriers.carrier import (
    Parcels,
    SandboxCarrier,
    Says,
    Words,
    body_json,
    form_or_json,
    json_response,
)
from tracker.sandbox.desk import Desk, bearer, refused_credential
from tracker.sandbox.journeys import Kind
from tracker.sandbox.numbers import fedex_12
from tracker.sandbox.parcels import Parcel
from tracker.sandbox.places import Location
from tracker.sandbox.quotas import Limit

BATCH = 30
TOKEN_SECONDS = 3600
_SERVICES = {
    "FDXE": {"type": "FEDEX_2_DAY", "description": "FedEx 2Day", "shortDescription": "ES"},
    "FDXG": {"type": "FEDEX_GROUND", "description": "FedEx Ground", "shortDescription": "FG"},
}
_DELIVERY_OPTIONS = (
    "INDIRECT_SIGNATURE_RELEASE",
    "REDIRECT_TO_HOLD_AT_LOCATION",
    "REROUTE",
    "RESCHEDULE",
    "RETURN_TO_SHIPPER",
    "DISPUTE_DELIVERY",
    "SUPPLEMENT_ADDRESS",
)


class Said(NamedTuple):
    """A scan in FedEx's words."""

    code: str
    text: str
    derived: str = "IT"
    derived_text: str = "In transit"
    exception: str = ""
    exception_text: str = ""
    location_type: str = "FEDEX_FACILITY"


_NOT_IN = "Customer not available or business closed"
WORDS: dict[Kind, tuple[Said, ...]] = {
    Kind.LABEL: (
        Said("OC", "Shipment information sent to FedEx", "IN", "Initiated", location_type="CUSTOMER"),
        Said("MD", "Manifest data received", "IN", "Initiated", location_type="CUSTOMER"),
    ),
    Kind.PICKUP: (
        Said("PU", "Picked up", "PU", "Picked up", location_type="PICKUP_LOCATION"),
        Said("DO", "Dropped off", "PU", "Picked up"),
        Said("PX", "Picked up", "PU", "Picked up", location_type="PICKUP_LOCATION"),
        Said("IP", "In FedEx possession"),
    ),
    Kind.ARRIVED: (
        Said("AR", "Arrived at FedEx hub", location_type="SORT_FACILITY"),
        Said("IT", "In transit", location_type="SORT_FACILITY"),
        Said("AF", "At local FedEx facility"),
        Said("SF", "At destination sort facility", location_type="SORT_FACILITY"),
    ),
    Kind.DEPARTED: (
        Said("DP", "Departed FedEx hub", location_type="SORT_FACILITY"),
        Said("DP", "Left FedEx origin facility"),
        Said("OW", "On the way"),
    ),
    Kind.AT_DESTINATION: (
        Said("AR", "At local FedEx facility", location_type="DESTINATION_FEDEX_FACILITY"),
        Said("FD", "At FedEx destination facility", location_type="DESTINATION_FEDEX_FACILITY"),
    ),
    Kind.OUT_FOR_DELIVERY: (
        Said("OD", "On FedEx vehicle for delivery", location_type="VEHICLE"),
        Said("ED", "Enroute to delivery", location_type="VEHICLE"),
    ),
    Kind.ATTEMPTED: (
        Said("DE", "Delivery exception", "DE", "Delivery exception", "08", _NOT_IN),
        Said("DE", "Delivery exception", "DE", "Delivery exception", "007", _NOT_IN),
        Said("DE", "Delivery exception", "DE", "Delivery exception", "099", "Unable to deliver"),
    ),
    Kind.READY_FOR_PICKUP: (
        Said("HL", "Ready for pickup", location_type="FEDEX_OFFICE_LOCATION"),
        Said("HP", "Ready for recipient pickup", exception="015A", exception_text="Package available for pickup"),
    ),
    Kind.COLLECTED: (Said("DL", "Delivered", "DL", "Delivered", location_type="FEDEX_OFFICE_LOCATION"),),
    Kind.DELIVERED: (Said("DL", "Delivered", "DL", "Delivered", location_type="DELIVERY_LOCATION"),),
    Kind.DELAY: (
        Said("DY", "Delay", "DY", "Delay"),
        Said("DD", "Delivery delay", "DY", "Delay"),
        Said("SE", "Shipment exception", "SE", "Shipment exception", "84", "Delay beyond our control"),
        Said(
            "DE", "Delivery exception", "DE", "Delivery exception", "083",
            "Local delivery restriction - delivery not attempted",
        ),
    ),
    Kind.HOLD: (
        Said("CD", "Clearance delay", "CD", "Clearance delay"),
        Said("DE", "Delivery exception", "DE", "Delivery exception", "03", "Incorrect address"),
    ),
    Kind.RETURNING: (Said("RS", "Returning package to shipper", "RS", "Returning package to shipper"),),
    Kind.RETURN_SCAN: (Said("AR", "Arrived at FedEx location"), Said("IT", "In transit")),
    Kind.RETURNED_TO_SENDER: (Said("DL", "Delivered", "DL", "Delivered", location_type="DELIVERY_LOCATION"),),
    Kind.NOTICE: (
        Said("US", "Scheduled delivery updated"),
        Said("RR", "Delivery option requested", exception="A12", exception_text="Hold at location requested"),
        Said("AS", "Address corrected"),
    ),
}  # fmt: skip


class FedEx(SandboxCarrier[Said]):
    """FedEx."""

    code = "fedex"
    companies = ("FedEx", "FEDEX", "fedex", "Fedex", "FedEx®")
    limits = (Limit(1_400, 10), Limit(500_000, 86_400))
    unknown_hours = 1.0
    words: ClassVar[Words] = {"FDXE": WORDS, "FDXG": WORDS}
    # FedEx books a collected parcel as delivered.
    says: ClassVar[Says] = {product: {Kind.COLLECTED: FulfillmentStatus.DELIVERED} for product in words}

    def number(self, random: Random, product: str) -> TrackingNumber:
        """12 digits."""
        return fedex_12(random)

    def refuse(self, status: int, wait: float | None) -> Response:
        """FedEx's `errors`; it sends no Retry-After."""
        code, message = {
            401: ("NOT.AUTHORIZED.ERROR", "Access token expired. Please modify your request and try again."),
            429: ("TOO.MANY.REQUESTS", "Too many requests. Please retry later."),
            500: ("INTERNAL.SERVER.ERROR", "We encountered an unexpected error. Please try again."),
            503: ("SERVICE.UNAVAILABLE.ERROR", "The service is currently unavailable."),
        }[status]
        return _error(status, code, message)

    def routes(self, desk: Desk, parcels: Parcels) -> list[BaseRoute]:
        """Token and track."""

        async def token(request: Request) -> Response:
            fields = await form_or_json(request)
            client = fields.get("client_id", "")
            bad = any(refused_credential(text) for text in (client, fields.get("client_secret", "")))

            async def answer(request: Request) -> Response:
                if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
                    return _error(422, "BAD.REQUEST.ERROR", "The token request must be a form.")
                if fields.get("grant_type") != "client_credentials":
                    return _error(400, "BAD.REQUEST.ERROR", "Missing or invalid grant type.")
                issued = desk.issue(client, TOKEN_SECONDS)
                return json_response(
                    {
                        "access_token": issued,
                        "token_type": "bearer",
                        "expires_in": TOKEN_SECONDS - 1,
                        "scope": "CXS",
                    }
                )

            return await desk.serve(request, "token", None if bad else client, answer, token_call=True)

        async def track(request: Request) -> Response:
            async def answer(request: Request) -> Response:
                return await self._track(request, desk, parcels)

            return await desk.serve(request, "track", desk.holder(bearer(request)), answer)

        return [
            Route("/oauth/token", token, methods=["POST"]),
            Route("/track/v1/trackingnumbers", track, methods=["POST"]),
        ]

    async def _track(self, request: Request, desk: Desk, parcels: Parcels) -> Response:
        payload = await body_json(request)
        infos = payload.get("trackingInfo") if isinstance(payload, dict) else None
        if not request.headers.get("content-type", "").startswith("application/json"):
            return _error(415, "UNSUPPORTED.MEDIA.TYPE", "The body must be JSON.")
        if not isinstance(infos, list) or not infos:
            return _error(400, "TRACKING.TRACKINGNUMBER.EMPTY", "Please provide tracking number.")
        if len(infos) > BATCH:
            return _error(
                400, "TRACKING.TRACKINGNUMBERS.LIMITEXCEEDED", "Please limit your inquiry to 30 tracking numbers."
            )
        numbers = [_asked(info) for info in infos]
        if not all(numbers):
            return _error(400, "TRACKING.TRACKINGNUMBER.EMPTY", "Please provide tracking number.")
        detailed = isinstance(payload, dict) and payload.get("includeDetailedScans") is True
        now = desk.clock.now()
        results = []
        for number in numbers:
            found = self.find(desk, parcels, number, now)
            results.append(_unknown(number) if found is None else self._result(*found, detailed))
        customer = request.headers.get("x-customer-transaction-id")
        answer: dict[str, Any] = {"transactionId": str(UUID(int=sum(desk.calls.values())))}
        if customer:
            answer["customerTransactionId"] = customer
        answer["output"] = {"completeTrackResults": [orjson.Fragment(result) for result in results]}
        return json_response(answer)

    def _result(self, parcel: Parcel, shown: int, detailed: bool) -> bytes:
        if not detailed:
            return orjson.dumps(self._complete(parcel, shown, 1))
        return parcel.cached(shown) or parcel.remember(shown, orjson.dumps(self._complete(parcel, shown, shown)))

    def _complete(self, parcel: Parcel, shown: int, scans: int) -> dict[str, Any]:
        """One `completeTrackResults` item with that many of the newest scans."""
        newest = parcel.current(shown) or 0
        word = self.word(parcel, newest)
        result: dict[str, Any] = {
            "trackingNumberInfo": {
                "trackingNumber": parcel.number,
                "trackingNumberUniqueId": f"{12000 + parcel.flavour % 500}~{parcel.number}~{parcel.service[:3]}G",
                "carrierCode": parcel.service,
            },
            "additionalTrackingInfo": {
                "nickname": "",
                "packageIdentifiers": [
                    {
                        "type": "CUSTOMER_REFERENCE",
                        "values": [f"PO{parcel.flavour % 100_000:05d}"],
                        "trackingNumberUniqueId": "",
                        "carrierCode": "",
                    }
                ],
                "hasAssociatedShipments": False,
            },
            "shipperInformation": {"contact": {}, "address": _address(parcel.journey.route.origin)},
            "recipientInformation": {"contact": {}, "address": _address(parcel.journey.route.destination)},
            "latestStatusDetail": {
                "code": word.code,
                "derivedCode": word.derived,
                "statusByLocale": word.derived_text,
                "description": word.text,
                "scanLocation": _address(parcel.scans[newest].place),
            },
            "dateAndTimes": self._dates(parcel, shown),
            "availableImages": [],
            "packageDetails": _package(parcel),
            "shipmentDetails": {"possessionStatus": newest > 0, "beforePossessionStatus": newest == 0},
            "scanEvents": [self._scan(parcel, index) for index in reversed(range(shown - scans, shown))],
            "availableNotifications": ["ON_DELIVERY", "ON_EXCEPTION", "ON_ESTIMATED_DELIVERY"],
            "originLocation": {
                "locationContactAndAddress": {"address": _address(parcel.journey.route.origin)},
                "locationId": "",
            },
            "lastUpdatedDestinationAddress": _address(parcel.journey.route.destination),
            "serviceDetail": _SERVICES[parcel.service],
            "standardTransitTimeWindow": {"window": {}},
            "estimatedDeliveryTimeWindow": {"window": {}},
            "goodsClassificationCode": "",
            "returnDetail": {},
        }
        if word.exception:
            result["latestStatusDetail"]["ancillaryDetails"] = [
                {"reason": word.exception, "reasonDescription": word.exception_text}
            ]
        if parcel.statuses[newest] is FulfillmentStatus.DELIVERED:
            result["availableImages"] = [{"type": "SIGNATURE_PROOF_OF_DELIVERY"}]
            result["deliveryDetails"] = {
                "actualDeliveryAddress": _address(parcel.scans[newest].place),
                "receivedByName": "R.ECIPIENT",
                "deliveryAttempts": "0",
                "deliveryOptionEligibilityDetails": [
                    {"option": option, "eligibility": "INELIGIBLE"} for option in _DELIVERY_OPTIONS
                ],
            }
        return {"trackingNumber": parcel.number, "trackResults": [result]}

    def _scan(self, parcel: Parcel, index: int) -> dict[str, Any]:
        scan, word = parcel.scans[index], self.word(parcel, index)
        return {
            "date": scan.at.isoformat(),
            "eventType": word.code,
            "eventDescription": word.text,
            "exceptionCode": word.exception,
            "exceptionDescription": word.exception_text,
            "scanLocation": {
                "streetLines": [""],
                **_address(scan.place),
                "postalCode": scan.place.postal_code,
            },
            "locationId": f"{sum(map(ord, scan.place.city)) % 10_000:04d}",
            "locationType": word.location_type,
            "derivedStatusCode": word.derived,
            "derivedStatus": word.derived_text,
        }

    def _dates(self, parcel: Parcel, shown: int) -> list[dict[str, str]]:
        """Newest knowledge first; a date without a time is its midnight."""
        dates: list[tuple[str, datetime]] = []
        scans = parcel.scans[:shown]
        ended = next((scan for scan in scans if scan.kind in (Kind.DELIVERED, Kind.COLLECTED)), None)
        picked_up = next((scan for scan in scans if scan.kind is Kind.PICKUP), None)
        promised = parcel.journey.promised
        if ended is not None:
            dates.append(("ACTUAL_DELIVERY", ended.at))
        elif promised is not None and parcel.promise_shown(shown):
            zone = parcel.journey.route.destination.zone
            dates.append(("ESTIMATED_DELIVERY", datetime.combine(promised, time(), zone)))
        if picked_up is not None:
            dates.append(("ACTUAL_PICKUP", picked_up.at))
        midnight = scans[0].at.replace(hour=0, minute=0, second=0)
        dates.append(("SHIP", midnight))
        return [{"type": name, "dateTime": at.isoformat()} for name, at in dates]


def _asked(info: object) -> str:
    held = info.get("trackingNumberInfo") if isinstance(info, dict) else None
    number = held.get("trackingNumber") if isinstance(held, dict) else None
    return number if isinstance(number, str) else ""


def _address(place: Location) -> dict[str, Any]:
    return {
        "city": place.city.upper(),
        "stateOrProvinceCode": place.state,
        "countryCode": place.country,
        "residential": False,
        "countryName": "United States",
    }


def _package(parcel: Parcel) -> dict[str, Any]:
    """Weight and size; drawn from the parcel's flavour, so that they stay what they are."""
    pounds, inches = 1 + parcel.flavour % 40, 6 + parcel.flavour % 20
    return {
        "packagingDescription": {"type": "YOUR_PACKAGING", "description": "Customer Packaging"},
        "physicalPackagingType": "PACKAGE",
        "sequenceNumber": "1",
        "count": "1",
        "weightAndDimensions": {
            "weight": [{"value": f"{pounds:.1f}", "unit": "LB"}, {"value": f"{pounds * 0.4536:.2f}", "unit": "KG"}],
            "dimensions": [
                {"length": inches, "width": inches, "height": inches // 2, "units": "IN"},
                {"length": inches * 5 // 2, "width": inches * 5 // 2, "height": inches * 5 // 4, "units": "CM"},
            ],
        },
        "packageContent": [],
    }


def _unknown(number: str) -> bytes:
    known_form = number.isalnum() and 8 <= len(number) <= 34
    word, message = ("NOTFOUND", "cannot be found") if known_form else ("INVALID", "is invalid")
    return orjson.dumps(
        {
            "trackingNumber": number,
            "trackResults": [
                {
                    "trackingNumberInfo": {"trackingNumber": number, "trackingNumberUniqueId": "", "carrierCode": ""},
                    "error": {
                        "code": f"TRACKING.TRACKINGNUMBER.{word}",
                        "message": f"Tracking number {message}. Please correct the tracking number and try again.",
                    },
                }
            ],
        }
    )


def _error(status: int, code: str, message: str) -> Response:
    return json_response({"transactionId": str(UUID(int=0)), "errors": [{"code": code, "message": message}]}, status)
