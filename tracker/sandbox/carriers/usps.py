"""USPS Tracking v3r2 and v3 as the sandbox speaks them: 35 numbers a call with 200 or 207; one number with 200 or 400.

Source of the shapes: USPS API specifications; event codes merged from open-source clients, Publication 199 unseen.
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
from tracker.sandbox.numbers import usps_22
from tracker.sandbox.parcels import Parcel
from tracker.sandbox.quotas import Limit

BATCH = 35
TOKEN_SECONDS = 28_800


class Said(NamedTuple):
    """An event in USPS's words. `category`: `statusCategory` while it is the newest; '' for a notice."""

    code: str
    text: str
    category: str


WORDS: dict[Kind, tuple[Said, ...]] = {
    Kind.LABEL: (
        Said("GX", "Shipping Label Created, USPS Awaiting Item", "Pre-Shipment"),
        Said("MA", "Pre-Shipment Info Sent to USPS, USPS Awaiting Item", "Pre-Shipment"),
    ),
    Kind.PICKUP: (
        Said("03", "USPS in possession of item", "Accepted"),
        Said("OA", "Accepted at USPS Origin Facility", "Accepted"),
        Said("UA", "Accepted at USPS Facility", "Accepted"),
    ),
    Kind.ARRIVED: (
        Said("10", "Arrived at USPS Regional Facility", "In Transit"),
        Said("A1", "Arrived at USPS Regional Origin Facility", "In Transit"),
    ),
    Kind.DEPARTED: (
        Said("T1", "Departed USPS Regional Facility", "In Transit"),
        Said("EF", "Departed USPS Facility", "In Transit"),
    ),
    Kind.AT_DESTINATION: (
        Said("07", "Arrived at Post Office", "In Transit"),
        Said("PC", "Sorting Complete", "In Transit"),
    ),
    Kind.OUT_FOR_DELIVERY: (Said("OF", "Out for Delivery", "Out for Delivery"),),
    Kind.ATTEMPTED: (
        Said("02", "Notice Left (No Authorized Recipient Available)", "Delivery Attempt"),
        Said("55", "Notice Left (No Secure Location Available)", "Delivery Attempt"),
        Said("53", "Notice Left (Receptacle Blocked)", "Delivery Attempt"),
    ),
    Kind.READY_FOR_PICKUP: (
        Said("16", "Available for Pickup", "Available for Pickup"),
        Said("14", "Arrived at Pickup Point", "Available for Pickup"),
    ),
    Kind.COLLECTED: (Said("01", "Delivered, Individual Picked Up at Post Office", "Delivered"),),
    Kind.DELIVERED: (
        Said("01", "Delivered, In/At Mailbox", "Delivered"),
        Said("01", "Delivered, Front Door/Porch", "Delivered"),
        Said("01", "Delivered, Left with Individual", "Delivered"),
    ),
    Kind.DELAY: (
        Said("08", "Missent", "Alert"),
        Said("15", "Mis-shipped", "Alert"),
    ),
    Kind.RETURNING: (Said("09", "Return to Sender", "Alert"),),
    Kind.RETURN_SCAN: (Said("10", "Arrived at USPS Regional Facility", "In Transit"),),
    Kind.RETURNED_TO_SENDER: (Said("01", "Delivered, To Original Sender", "Delivered"),),
    Kind.LOST: (Said("11", "Dead Mail/Disposed by Post Office", "Alert"),),
    Kind.NOTICE: (Said("GC", "Return Receipt Associated", ""),),
}  # fmt: skip


class Usps(SandboxCarrier[Said]):
    """USPS. It has no word for a parcel that is on hold."""

    code = "usps"
    companies = ("USPS", "usps", "U.S. Postal Service", "United States Postal Service")
    limits = (Limit(60, 3600),)
    counts_tokens = True
    unknown_hours = 8.0
    words: ClassVar[Words] = {"ground_advantage": WORDS}
    # A parcel collected at the post office is event 01, as one in the mailbox.
    says: ClassVar[Says] = {"ground_advantage": {Kind.COLLECTED: FulfillmentStatus.DELIVERED}}

    def number(self, random: Random, product: str) -> TrackingNumber:
        """22 digits."""
        return usps_22(random)

    def refuse(self, status: int, wait: float | None) -> Response:
        """USPS's `error`, with Retry-After where it is due."""
        message = {
            401: "Invalid or expired access token",
            429: "Rate limit exceeded",
            500: "Internal error",
            503: "Service unavailable",
        }[status]
        headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'} if status == 401 else {}
        if status in (429, 503):
            headers["Retry-After"] = str(int(wait or 60) + 1)
        return json_response({"apiVersion": "v3", "error": {"code": str(status), "message": message}}, status, headers)

    def routes(self, desk: Desk, parcels: Parcels) -> list[BaseRoute]:
        """Token, track in batches, track one."""

        async def token(request: Request) -> Response:
            fields = await form_or_json(request)
            client = fields.get("client_id", "")
            bad = refused_credential(client) or refused_credential(fields.get("client_secret", ""))

            async def answer(request: Request) -> Response:
                if fields.get("grant_type") != "client_credentials":
                    return _error(400, "400", "unsupported grant type")
                return json_response(
                    {
                        "access_token": desk.issue(client, TOKEN_SECONDS),
                        "token_type": "Bearer",
                        "issued_at": int(desk.clock.now().timestamp() * 1000),
                        "expires_in": TOKEN_SECONDS - 1,
                        "status": "approved",
                        "scope": "tracking",
                    }
                )

            return await desk.serve(request, "token", None if bad else client, answer, token_call=True)

        async def batch(request: Request) -> Response:
            async def answer(request: Request) -> Response:
                return self._batch(await body_json(request), desk, parcels)

            return await desk.serve(request, "track", desk.holder(bearer(request)), answer)

        async def single(request: Request) -> Response:
            async def answer(request: Request) -> Response:
                return self._single(request, desk, parcels)

            return await desk.serve(request, "track_v3", desk.holder(bearer(request)), answer)

        return [
            Route("/oauth2/v3/token", token, methods=["POST"]),
            Route("/tracking/v3r2/tracking", batch, methods=["POST"]),
            Route("/tracking/v3/tracking/{number}", single, methods=["GET"]),
        ]

    def _batch(self, payload: object, desk: Desk, parcels: Parcels) -> Response:
        if not isinstance(payload, list) or not 1 <= len(payload) <= BATCH:
            return _error(400, "400", f"The request body must be an array of 1 to {BATCH} items.")
        numbers = [item.get("trackingNumber") if isinstance(item, dict) else None for item in payload]
        now = desk.clock.now()
        items: list[object] = []
        complete = True
        for number in numbers:
            if not isinstance(number, str) or not (number.isalnum() and 4 <= len(number) <= 34):
                return _error(400, "400", "trackingNumber must be 4 to 34 letters and digits.")
            found = self.find(desk, parcels, number, now)
            if found is None:
                complete = False
                items.append({"trackingNumber": number, "statusCode": "400", "error": _unknown(number)})
                continue
            parcel, shown = found
            answer = parcel.cached(shown)
            if answer is None:
                record = {"trackingNumber": number, "statusCode": "200", **self._record(parcel, shown, batch=True)}
                answer = parcel.remember(shown, orjson.dumps(record))
            items.append(orjson.Fragment(answer))
        return json_response(items, 200 if complete else 207)

    def _single(self, request: Request, desk: Desk, parcels: Parcels) -> Response:
        number = request.path_params["number"]
        found = self.find(desk, parcels, number, desk.clock.now())
        if found is None:
            return json_response({"apiVersion": "v3", "error": _unknown(number)}, 400)
        parcel, shown = found
        record = {"trackingNumber": number, **self._record(parcel, shown, batch=False)}
        if request.query_params.get("expand", "SUMMARY") != "DETAIL":
            record["trackingEvents"] = record["trackingEvents"][:1]
        return json_response(record)

    def _record(self, parcel: Parcel, shown: int, *, batch: bool) -> dict[str, Any]:
        newest = parcel.current(shown) or 0
        word = self.word(parcel, newest)
        scan = parcel.scans[newest]
        record: dict[str, Any] = {
            "mailClass": "USPS Ground Advantage<SUP>&#153;</SUP>",
            "services": ["USPS Tracking<SUP>&#174;</SUP>", "Up to $100 insurance included"],
            "status": word.text,
            "statusCategory": word.category,
            "statusSummary": f"{word.text} in {scan.place.city.upper()}, {scan.place.state} {scan.place.postal_code}.",
            "trackingEvents": [self._event(parcel, index, batch) for index in reversed(range(shown))],
        }
        if batch:
            record["uniqueTrackingID"] = f"{parcel.flavour:09d}"
            record["mailingDate"] = f"{parcel.scans[0].at:%Y-%m-%d}"
        else:
            record["uniqueMailPieceID"] = f"{parcel.flavour:09d}"
        if parcel.promise_shown(shown):
            if batch:
                expected = {"expectedDeliveryDate": f"{parcel.journey.promised:%Y-%m-%d}", "endOfDay": "9:00pm"}
                record["deliveryDateExpectation"] = expected
            else:
                record["expectedDeliveryTimeStamp"] = f"{parcel.journey.promised:%Y-%m-%d}T00:00:00"
        return record

    def _event(self, parcel: Parcel, index: int, batch: bool) -> dict[str, Any]:
        """An event; the two versions write GMT and its offset each in their own way."""
        scan, word = parcel.scans[index], self.word(parcel, index)
        utc = scan.at.astimezone(UTC)
        offset = scan.at.utcoffset()
        minutes = int(offset.total_seconds() // 60) if offset is not None else 0
        name = f"{scan.at:%z}"
        return {
            "eventType": word.text,
            "eventCode": word.code,
            "eventTimestamp": f"{scan.at:%Y-%m-%dT%H:%M:%S}",
            "GMTTimestamp": f"{utc:%Y-%m-%d %H:%M:%S}.000000+00:00" if batch else f"{utc:%Y-%m-%dT%H:%M:%SZ}",
            "GMTOffset": str(minutes) if batch else f"{name[:3]}:{name[3:]}",
            "eventCity": scan.place.city.upper(),
            "eventState": scan.place.state,
            "eventZIPCode" if batch else "eventZIP": scan.place.postal_code,
            "eventCountry": None,
            "firm": None,
            "recipientName" if batch else "name": None,
            "authorizedAgent": "false",
        }


def _unknown(number: str) -> dict[str, Any]:
    return {
        "code": "400",
        "message": "The tracking number may be incorrect or the status update is not yet available.",
        "errors": [
            {
                "status": "400",
                "code": "150002",
                "title": "Tracking number not found",
                "detail": "Please verify your tracking number and try again later.",
                "source": {"parameter": "trackingNumber", "example": number},
            }
        ],
    }


def _error(status: int, code: str, message: str) -> Response:
    return json_response({"apiVersion": "v3", "error": {"code": code, "message": message, "errors": []}}, status)
