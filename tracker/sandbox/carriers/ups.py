"""UPS Tracking API v1 as the sandbox speaks it: one number a call, local times with a GMT triple beside them.

Source of the shapes: UPS Tracking API specification and its appendix of codes. "Not found" is a 200 with a warning.
"""

from datetime import UTC
from random import Random
from typing import Any, ClassVar, NamedTuple

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from carriers.sdk.numbers import TrackingNumber
from carriers.sdk.status import FulfillmentStatus
from tracker.sandbox.carriers.carrier import Parcels, SandboxCarrier, Says, Words, form_or_json, json_response
from tracker.sandbox.desk import Desk, basic, bearer, refused_credential
from tracker.sandbox.journeys import Kind
from tracker.sandbox.numbers import ups_1z
from tracker.sandbox.parcels import Parcel
from tracker.sandbox.places import Location

TOKEN_SECONDS = 14_400


class Said(NamedTuple):
    """An activity's status in UPS's words."""

    type: str
    code: str
    status_code: str
    text: str


WORDS: dict[Kind, tuple[Said, ...]] = {
    Kind.LABEL: (
        Said("M", "MP", "003", "Shipper created a label, UPS has not received the package yet. "),
        Said("M", "DP", "080", "Order Processed: Ready for UPS "),
    ),
    Kind.PICKUP: (
        Said("P", "PU", "038", "Pickup Scan "),
        Said("I", "XD", "167", "Drop-Off "),
        Said("I", "OR", "160", "We Have Your Package "),
    ),
    Kind.ARRIVED: (
        Said("I", "AR", "005", "Arrived at Facility"),
        Said("I", "HU", "010", "Hub Scan"),
        Said("I", "AR", "159", "Arrived at Facility"),
    ),
    Kind.DEPARTED: (Said("I", "DP", "005", "Departed from Facility"),),
    Kind.AT_DESTINATION: (
        Said("I", "DS", "005", "Destination Scan"),
        Said("I", "YP", "071", "Processing at UPS Facility"),
    ),
    Kind.OUT_FOR_DELIVERY: (
        Said("I", "OT", "021", "Out For Delivery Today"),
        Said("O", "OF", "006", "Out For Delivery"),
    ),
    Kind.ATTEMPTED: (
        Said(
            "X", "48", "022",
            "The receiver was not available for delivery. We'll make a second attempt the next "
            "business day.",
        ),
        Said(
            "X", "55", "060",
            "The receiving business was closed. We'll attempt to deliver the package the next "
            "business day.",
        ),
    ),
    Kind.READY_FOR_PICKUP: (
        Said("D", "2Q", "161", "Delivered to UPS Access Point™ "),
        Said("X", "ZP", "040", "Delivered to UPS Access Point™ location and awaiting customer pickup."),
    ),
    Kind.COLLECTED: (Said("D", "FS", "011", "DELIVERED "),),
    Kind.DELIVERED: (
        Said("D", "FS", "011", "DELIVERED "),
        Said("D", "KB", "011", "DELIVERED "),
        Said("D", "F4", "011", "DELIVERED "),
    ),
    Kind.DELAY: (
        Said("X", "DJ", "052", "Severe weather conditions have delayed delivery."),
        Said(
            "X", "16", "046",
            "A mechanical failure has delayed delivery. We're adjusting plans to deliver your "
            "package as quickly as possible.",
        ),
        Said("X", "34", "048", "We've incorrectly sorted this package which may cause a delay."),
    ),
    Kind.HOLD: (
        Said(
            "X", "AG", "050",
            "The address is incomplete. This may delay delivery. We're attempting to update the "
            "address.",
        ),
        Said(
            "X", "29", "058",
            "UPS initiated contact with receiver or importer for clearance information. Once "
            "received, UPS will submit for clearance.",
        ),
    ),
    Kind.RETURNING: (
        Said("X", "UF", "035", "We're in the process of returning this package to the sender."),
        Said("RS", "DL", "035", "The package will be returned to the sender."),
    ),
    Kind.RETURN_SCAN: (Said("I", "AR", "036", "Returning to Sender: In Transit"),),
    Kind.RETURNED_TO_SENDER: (Said("D", "B0", "034", "Package Delivered To Original Sender"),),
    Kind.LOST: (Said("X", "S9", "068", "We've sent the package to UPS lost and found."),),
    Kind.NOTICE: (
        Said("I", "9I", "028", "The address has been corrected."),
        Said("X", "79", "154", "We updated the delivery information for your package."),
    ),
}  # fmt: skip


class Ups(SandboxCarrier[Said]):
    """UPS."""

    code = "ups"
    companies = ("UPS", "ups", "UPS®", "United Parcel Service")
    unknown_hours = 3.0
    words: ClassVar[Words] = {"ground": WORDS}
    # The status code of a collected parcel is that of a delivered one.
    says: ClassVar[Says] = {"ground": {Kind.COLLECTED: FulfillmentStatus.DELIVERED}}

    def number(self, random: Random, product: str) -> TrackingNumber:
        """`1Z` and 16 more."""
        return ups_1z(random)

    def refuse(self, status: int, wait: float | None) -> Response:
        """UPS's `response.errors`; it sends no Retry-After."""
        code, message = {
            401: ("250002", "Invalid Authentication Information."),
            429: ("10429", "Too Many Requests"),
            500: ("10004", "Internal Server Error"),
            503: ("10007", "Service is temporarily unavailable"),
        }[status]
        return _error(status, code, message)

    def routes(self, desk: Desk, parcels: Parcels) -> list[BaseRoute]:
        """Token and track."""

        async def token(request: Request) -> Response:
            client, secret = basic(request)
            bad = refused_credential(client) or refused_credential(secret)

            async def answer(request: Request) -> Response:
                if (await form_or_json(request)).get("grant_type") != "client_credentials":
                    return _error(400, "10400", "Invalid/Missing grant_type")
                return json_response(
                    {
                        "token_type": "Bearer",
                        "issued_at": str(int(desk.clock.now().timestamp() * 1000)),
                        "client_id": client,
                        "access_token": desk.issue(client, TOKEN_SECONDS),
                        "expires_in": str(TOKEN_SECONDS - 1),
                        "status": "approved",
                    }
                )

            return await desk.serve(request, "token", None if bad else client, answer, token_call=True)

        async def track(request: Request) -> Response:
            async def answer(request: Request) -> Response:
                return self._track(request, desk, parcels)

            return await desk.serve(request, "track", desk.holder(bearer(request)), answer)

        return [
            Route("/security/v1/oauth/token", token, methods=["POST"]),
            Route("/api/track/v1/details/{number}", track, methods=["GET"]),
        ]

    def _track(self, request: Request, desk: Desk, parcels: Parcels) -> Response:
        for header, longest in (("transId", 32), ("transactionSrc", 512)):
            if not 1 <= len(request.headers.get(header, "")) <= longest:
                return _error(400, "10400", f"Missing or invalid header {header}")
        number = request.path_params["number"]
        if not (number.isalnum() and 7 <= len(number) <= 34):
            return _error(400, "TV1002", "Invalid inquiry number")
        found = self.find(desk, parcels, number, desk.clock.now())
        if found is None:
            warning = {"code": "TW0001", "message": "Tracking Information Not Found"}
            return json_response({"trackResponse": {"shipment": [{"inquiryNumber": number, "warnings": [warning]}]}})
        parcel, shown = found
        body = parcel.cached(shown) or parcel.remember(shown, orjson.dumps(self._answer(parcel, shown)))
        return Response(body, media_type="application/json")

    def _answer(self, parcel: Parcel, shown: int) -> dict[str, Any]:
        newest = parcel.current(shown) or 0
        word = self.word(parcel, newest)
        at = parcel.scans[newest].at
        package: dict[str, Any] = {
            "trackingNumber": parcel.number,
            "deliveryDate": [],
            "currentStatus": {
                "code": word.code,
                "description": word.text.strip(),
                "simplifiedTextDescription": word.text.strip(),
                "statusCode": word.status_code,
                "type": word.type,
            },
            "activity": [self._activity(parcel, index) for index in reversed(range(shown))],
            "packageAddress": [
                {"type": "ORIGIN", "address": _address(parcel.journey.route.origin)},
                {"type": "DESTINATION", "address": _address(parcel.journey.route.destination)},
            ],
            "weight": {"unitOfMeasurement": "LBS", "weight": f"{1 + parcel.flavour % 40:.2f}"},
            "service": {"code": "518", "levelCode": "003", "description": "UPS Ground"},
            "referenceNumber": [{"type": "PACKAGE", "number": f"PO{parcel.flavour % 100_000:05d}"}],
            "dimension": {"height": "6.00", "length": "12.00", "width": "9.00", "unitOfDimension": "IN"},
            "packageCount": 1,
        }
        if parcel.statuses[newest] is FulfillmentStatus.DELIVERED:
            package["deliveryDate"] = [{"type": "DEL", "date": f"{at:%Y%m%d}"}]
            package["deliveryTime"] = {"type": "DEL", "endTime": f"{at:%H%M%S}"}
            package["deliveryInformation"] = {"location": "Front Door", "receivedBy": "DRIVER RELEASE"}
        elif parcel.promise_shown(shown):
            package["deliveryDate"] = [{"type": "SDD", "date": f"{parcel.journey.promised:%Y%m%d}"}]
            package["deliveryTime"] = {"type": "EOD", "endTime": ""}
        return {"trackResponse": {"shipment": [{"inquiryNumber": parcel.number, "package": [package]}]}}

    def _activity(self, parcel: Parcel, index: int) -> dict[str, Any]:
        scan, word = parcel.scans[index], self.word(parcel, index)
        address = {"countryCode": scan.place.country, "country": scan.place.country}
        location: dict[str, Any] = {"address": address}
        if scan.kind is not Kind.LABEL:
            address |= {"city": scan.place.city.upper(), "stateProvince": scan.place.state}
            location["slic"] = f"{_building(scan.place.city):04d}"
        if scan.kind in (Kind.DELIVERED, Kind.COLLECTED):
            address["postalCode"] = scan.place.postal_code
        utc, offset = scan.at.astimezone(UTC), f"{scan.at:%z}"
        return {
            "location": location,
            "status": {
                "type": word.type,
                "description": word.text,
                "code": word.code,
                "statusCode": word.status_code,
            },
            "date": f"{scan.at:%Y%m%d}",
            "time": f"{scan.at:%H%M%S}",
            "gmtDate": f"{utc:%Y%m%d}",
            "gmtOffset": f"{offset[:3]}:{offset[3:]}",
            "gmtTime": f"{utc:%H:%M:%S}",
        }


def _address(place: Location) -> dict[str, str]:
    """The town alone, as UPS gives it; streets and names are for the account's owner."""
    return {
        "city": place.city.upper(),
        "stateProvince": place.state,
        "countryCode": place.country,
        "country": place.country,
    }


def _building(city: str) -> int:
    """A four-digit building number that stays the same from run to run."""
    return sum(ord(char) * (index + 7) for index, char in enumerate(city)) % 10_000


def _error(status: int, code: str, message: str) -> Response:
    return json_response({"response": {"errors": [{"code": code, "message": message}]}}, status)
