"""DHL Shipment Tracking Unified as the sandbox speaks it: one number a call, several services behind one door.

Each service has its own codes in `status`; DHL Paket and eCommerce Europe give bare local times, Express an offset.
Source of the shapes: DHL API reference and its lists of service statuses.
"""

from random import Random
from typing import Any, ClassVar, NamedTuple

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.routing import Route as HttpRoute

from carriers.sdk.numbers import TrackingNumber
from carriers.sdk.status import FulfillmentStatus
from tracker.sandbox.carriers.carrier import Parcels, SandboxCarrier, Says, Words, json_response
from tracker.sandbox.desk import Desk, refused_credential
from tracker.sandbox.journeys import Kind
from tracker.sandbox.numbers import dhl_3s, dhl_sscc, dhl_waybill
from tracker.sandbox.parcels import Parcel
from tracker.sandbox.places import Region, Route
from tracker.sandbox.quotas import Limit


class Said(NamedTuple):
    """An event in a service's words, with DHL's coarse word for it."""

    category: str
    code: str
    text: str


PARCEL_DE: dict[Kind, tuple[Said, ...]] = {
    Kind.LABEL: (
        Said(
            "pre-transit", "VA",
            "The instruction data for this shipment have been provided by the sender to DHL "
            "electronically",
        ),
    ),
    Kind.PICKUP: (
        Said("transit", "ES", "The shipment was brought to a DHL facility by the sender"),
        Said("transit", "AE", "The shipment has been picked up at the sender"),
    ),
    Kind.ARRIVED: (Said("transit", "EE", "The shipment has been processed in the parcel center"),),
    Kind.DEPARTED: (
        Said("transit", "AA", "The shipment has left the parcel center of origin"),
        Said("transit", "NB", "The shipment is being transported"),
    ),
    Kind.AT_DESTINATION: (Said("transit", "EE", "The shipment has arrived in the region of recipient"),),
    Kind.OUT_FOR_DELIVERY: (Said("transit", "PO", "The shipment has been loaded onto the delivery vehicle"),),
    Kind.ATTEMPTED: (
        Said(
            "transit", "ZN",
            "The shipment could not be delivered, the recipient was not present",
        ),
    ),
    Kind.READY_FOR_PICKUP: (Said("transit", "ZF", "The shipment is ready for pick-up at the PACKSTATION"),),
    Kind.COLLECTED: (Said("delivered", "ZU", "The shipment has been successfully delivered"),),
    Kind.DELIVERED: (Said("delivered", "ZU", "The shipment has been successfully delivered"),),
    Kind.DELAY: (Said("transit", "BV", "The shipment is delayed"),),
    Kind.NOTICE: (Said("transit", "DD", "A delivery day was chosen by the recipient"),),
}  # fmt: skip
ECOMMERCE_EUROPE: dict[Kind, tuple[Said, ...]] = {
    Kind.LABEL: (Said("pre-transit", "1", "Electronical shipment data has been provided to DHL"),),
    Kind.PICKUP: (
        Said("transit", "2", "The shipment has been collected"),
        Said("transit", "3", "The shipment has been dropped off at Parcelshop by sender"),
        Said("transit", "9", "The shipment has been picked up at sender"),
    ),
    Kind.ARRIVED: (
        Said("transit", "25", "The shipment has been processed at sorting center"),
        Said("transit", "19", "The shipment has been processed at terminal"),
    ),
    Kind.DEPARTED: (
        Said("transit", "26", "The shipment has been processed and left the sorting center"),
        Said("transit", "20", "The shipment has departed from terminal"),
    ),
    Kind.AT_DESTINATION: (
        Said("transit", "40", "The shipment has arrived at depot"),
        Said("transit", "22", "The shipment has been processed at depot"),
    ),
    Kind.OUT_FOR_DELIVERY: (Said("transit", "42", "The shipment has been loaded to the van"),),
    Kind.ATTEMPTED: (
        Said(
            "failure", "73",
            "The shipment could not be delivered to the recipient, because the recipient was not "
            "available",
        ),
        Said("failure", "72", "The shipment could not be delivered to the recipient"),
    ),
    Kind.READY_FOR_PICKUP: (
        Said("delivered", "44", "The shipment has been handed over to the Parcelshop"),
        Said("delivered", "45", "The shipment has been handed over to the Parcelstation"),
    ),
    Kind.COLLECTED: (
        Said("delivered", "66", "The shipment has been picked up by the recipient from Parcelshop"),
        Said("delivered", "67", "The shipment has been picked up by the recipient from Parcelstation"),
    ),
    Kind.DELIVERED: (
        Said("delivered", "63", "The shipment has been successfully delivered"),
        Said("delivered", "64", "The shipment has been successfully delivered"),
    ),
    Kind.DELAY: (
        Said(
            "transit", "266",
            "The shipment has been held for bad weather conditions. Further processing expected "
            "next working day",
        ),
        Said(
            "transit", "267",
            "The shipment has been held for capacity issues. Further processing expected next "
            "working day",
        ),
    ),
    Kind.HOLD: (Said("transit", "268", "The shipment has been held and is awaiting payment of charges"),),
    Kind.RETURNING: (
        Said("failure", "160", "The shipment could not be delivered and will be returned to the sender"),
        Said(
            "failure", "155",
            "The shipment has not been picked up within the defined time and will be sent back to "
            "the sender",
        ),
    ),
    Kind.RETURNED_TO_SENDER: (
        Said(
            "delivered", "366",
            "The shipment has been delivered back to the business sender",
        ),
    ),
    Kind.NOTICE: (
        Said(
            "transit", "52",
            "The recipient has been notified (e.g. via email) about delivery details and available "
            "services",
        ),
    ),
}  # fmt: skip
EXPRESS: dict[Kind, tuple[Said, ...]] = {
    Kind.PICKUP: (
        Said("transit", "PU", "Shipment picked up"),
        Said("transit", "SA", "Shipment accepted"),
    ),
    Kind.ARRIVED: (
        Said("transit", "AF", "Arrived at DHL sort facility"),
        Said("transit", "PL", "Processed at location"),
    ),
    Kind.DEPARTED: (Said("transit", "DF", "Shipment has departed from a DHL facility"),),
    Kind.AT_DESTINATION: (Said("transit", "AR", "Arrived at DHL delivery facility"),),
    Kind.OUT_FOR_DELIVERY: (Said("transit", "WC", "Shipment is out with courier for delivery"),),
    Kind.ATTEMPTED: (
        Said("transit", "NH", "Delivery attempted; recipient not home"),
        Said("transit", "ND", "Delivery attempted"),
    ),
    Kind.READY_FOR_PICKUP: (Said("transit", "CC", "Awaiting collection by recipient as requested"),),
    Kind.COLLECTED: (Said("delivered", "OK", "Delivered"),),
    Kind.DELIVERED: (Said("delivered", "OK", "Delivered"),),
    Kind.DELAY: (
        Said("transit", "MS", "Shipment was sent to the wrong facility"),
        Said("transit", "MD", "Delivery is planned for the next cycle"),
    ),
    Kind.HOLD: (
        Said("transit", "OH", "Shipment on hold"),
        Said("transit", "BA", "Address information needed; contact DHL"),
    ),
    Kind.RETURNING: (Said("failure", "RT", "Returned to shipper"),),
    Kind.NOTICE: (
        Said("transit", "RR", "Response received"),
        Said("transit", "SC", "Service changed"),
    ),
}  # fmt: skip
_BOOKED_AS_DELIVERED = {Kind.COLLECTED: FulfillmentStatus.DELIVERED}


class Dhl(SandboxCarrier[Said]):
    """DHL in Europe."""

    code = "dhl"
    companies = ("DHL", "dhl", "Dhl")
    region = Region.EUROPE
    limits = (Limit(250, 86_400), Limit(1, 5))
    unknown_hours = 6.0
    words: ClassVar[Words] = {"parcel-de": PARCEL_DE, "ecommerce-europe": ECOMMERCE_EUROPE, "express": EXPRESS}
    says: ClassVar[Says] = {"parcel-de": _BOOKED_AS_DELIVERED, "express": _BOOKED_AS_DELIVERED}

    def products(self, route: Route) -> tuple[str, ...]:
        """DHL Paket delivers in Germany alone."""
        return tuple(name for name in self.words if name != "parcel-de" or route.destination.country == "DE")

    def number(self, random: Random, product: str) -> TrackingNumber:
        """Each service has its own form."""
        forms = {"parcel-de": dhl_sscc, "ecommerce-europe": dhl_3s, "express": dhl_waybill}
        return forms[product](random)

    def refuse(self, status: int, wait: float | None) -> Response:
        """DHL's problem object; no Retry-After is documented."""
        title, detail = {
            401: ("Unauthorized", "Unauthorized for given resource."),
            429: (
                "Too Many Requests",
                "Too many requests within defined time period, please try again later.",
            ),
            500: ("Internal Server Error", "An unexpected error occurred."),
            503: ("Service Unavailable", "The service is temporarily unavailable."),
        }[status]
        return json_response({"status": status, "title": title, "detail": detail}, status)

    def routes(self, desk: Desk, parcels: Parcels) -> list[BaseRoute]:
        """Track; the key of the account comes in a header or in the query."""

        async def track(request: Request) -> Response:
            key = request.headers.get("DHL-API-Key") or request.query_params.get("DHL-API-Key", "")

            async def answer(request: Request) -> Response:
                return self._track(request, desk, parcels)

            return await desk.serve(request, "track", None if refused_credential(key) else key, answer)

        return [HttpRoute("/track/shipments", track, methods=["GET"])]

    def _track(self, request: Request, desk: Desk, parcels: Parcels) -> Response:
        query = request.query_params
        number = query.get("trackingNumber", "")
        if not number or len(query.getlist("trackingNumber")) > 1 or "," in number:
            detail = "Exactly one trackingNumber is required."
            return json_response({"status": 400, "title": "Bad Request", "detail": detail}, 400)
        service = query.get("service")
        if service is not None and service not in self.words:
            return json_response({"status": 400, "title": "Bad Request", "detail": "Unknown service."}, 400)
        found = self.find(desk, parcels, number, desk.clock.now())
        if found is None or service not in (None, found[0].service):
            return json_response(
                {
                    "title": "No result found",
                    "detail": "No shipment with given tracking number found.",
                    "status": 404,
                    "instance": f"/shipment/{number}",
                },
                404,
            )
        parcel, shown = found
        body = parcel.cached(shown) or parcel.remember(shown, orjson.dumps(self._answer(parcel, shown)))
        return Response(body, media_type="application/json")

    def _answer(self, parcel: Parcel, shown: int) -> dict[str, Any]:
        newest = parcel.current(shown)
        destination = parcel.journey.route.destination
        shipment: dict[str, Any] = {
            "serviceUrl": f"https://www.dhl.com/de-en/home/tracking.html?tracking-id={parcel.number}",
            "id": parcel.number,
            "service": parcel.service,
            "origin": {"address": {"countryCode": parcel.journey.route.origin.country}},
            "destination": {
                "address": {"countryCode": destination.country, "addressLocality": destination.city},
            },
            "status": self._event(parcel, newest if newest is not None else shown - 1),
            "details": {"totalNumberOfPieces": 1, "pieceIds": [parcel.number]},
            "events": [self._event(parcel, index) for index in reversed(range(shown))],
        }
        if newest is not None and parcel.statuses[newest] is FulfillmentStatus.DELIVERED:
            proof = {"timestamp": shipment["status"]["timestamp"], "signed": {"name": "E. Mpfänger"}}
            shipment["details"]["proofOfDelivery"] = proof
        elif parcel.promise_shown(shown):
            shipment["estimatedTimeOfDelivery"] = f"{parcel.journey.promised:%Y-%m-%d}T00:00:00Z"
        return {"shipments": [shipment]}

    def _event(self, parcel: Parcel, index: int) -> dict[str, Any]:
        scan, word = parcel.scans[index], self.word(parcel, index)
        place = scan.place
        address = {"countryCode": place.country, "addressLocality": place.city}
        if scan.kind is not Kind.LABEL:
            address["postalCode"] = place.postal_code
        at = scan.at if parcel.service == "express" else scan.at.replace(tzinfo=None)
        return {
            "timestamp": at.isoformat(),
            "location": {"address": address},
            "statusCode": word.category,
            "status": word.code,
            "description": word.text,
        }
