"""DPD: ParcelLifeCycleService 2.0 (SOAP) of DPD in Germany, the Netherlands and Belgium, one number a call.

Owns the request with its log-in, the shape of the answer, DPD's localised dates and its statuses. Knows no clock,
no HTTP library and no other carrier. Source: DPD's integration pages of the Netherlands and Belgium and answers
recorded by open clients; a doubt stands beside its line.

A status has no more than about ten values: why a delivery failed, and that a parcel travels back, stand in the text
alone, which is read in English. DPD tells about the account's own parcels only, and only on its live hosts.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar, Literal, NamedTuple
from xml.sax.saxutils import escape

from pydantic import Field

from carriers.sdk import (
    AuthFailed,
    BadPayload,
    Call,
    Carrier,
    CarrierError,
    CarrierOptions,
    Codes,
    Event,
    Info,
    Login,
    NotFound,
    Place,
    Quota,
    Reply,
    Report,
    Shipment,
    TextRule,
    TextRules,
    TrackingNumber,
    ZoneSource,
    country_code,
    instant,
    record,
    records,
    text,
    unsigned,
)

# CamelCase are the service's own statuses, UPPER_SNAKE those of DPD's newer hosts. The last words of a column are
# ours, for what only the text tells.
CODES = Codes(
    CONFIRMED="""
        SHIPMENT                        # data transmitted
        ACCEPTED                        # data accepted; where the text says the parcel was, `TEXTS` decides
        PickupDriver                    # a driver is to come ?
    """,
    CARRIER_PICKED_UP="""
        PickedUp
        HANDOVER_CONSIGNOR_TO_PARCELSHOP
    """,
    IN_TRANSIT="""
        BetweenDepots ON_THE_ROAD
        Depot AT_DELIVERY_DEPOT
        AT_SENDING_DEPOT                # unverified
        Customs                         # checked at the border
        Warehouse Consolidation         # kept to travel on with others, sent on
    """,
    OUT_FOR_DELIVERY="Courier OUT_FOR_DELIVERY",
    ATTEMPTED_DELIVERY="""
        DeliveryFailure
        ReturningFromDelivery           # back at the depot after an attempt in vain
    """,
    READY_FOR_PICKUP="ParcelShop",
    DELIVERED="Delivered",
    PICKED_UP="COLLECTED_BY_CONSIGNEE",
    RETURNING="RETURN_TO_CONSIGNOR",
    FAILURE="REFUSED_BY_CONSIGNEE",
)

#: What only the text tells. Unverified, but for the first.
TEXTS = TextRules(
    TextRule("en", "PICKEDUP", r"(dpd has received your parcel|parcel handed to dpd)", "DPD has received your parcel."),
    TextRule(
        "en",
        "COLLECTED_BY_CONSIGNEE",
        r"(parcel )?(was |has been )?(picked up|collected) (from|at) .*(parcel ?shop|pickup).* by (the )?consignee",
        "Picked up from Pickup parcelshop by consignee",
    ),
    TextRule(
        "en",
        "RETURN_TO_CONSIGNOR",
        r"(the )?(parcel )?(is |was |has been )?(being )?(system )?return(ed)? to (the )?(consignor|sender)\b.*",
        "System return to consignor",
    ),
    TextRule(
        "en",
        "REFUSED_BY_CONSIGNEE",
        r"(the )?(acceptance|parcel|delivery)( was| has been)? refused( by .{1,30})?",
        "Acceptance refused by consignee",
    ),
    table=CODES,
)


class Network(NamedTuple):
    """One country's hosts. Paths and the version of the log-in differ; unverified but for the hosts."""

    country: str
    production: str
    sandbox: str | None
    login_path: str
    tracking_path: str
    login_version: str
    tracking_page: str


NETWORKS: Mapping[str, Network] = {
    "de": Network(
        "DE",
        "https://public-ws.dpd.com",
        "https://public-ws-stage.dpd.com",
        "/services/LoginService/V2_0/",
        "/services/ParcelLifeCycleService/V2_0/",
        "2.0",
        "https://tracking.dpd.de/status/en_DE/parcel/{number}",
    ),
    "nl": Network(
        "NL",
        "https://wsshipper.dpd.nl",
        None,
        "/soap/services/LoginServiceV21/",
        "/soap/services/ParcelLifeCycleServiceV20/",
        "2.1",
        "https://www.dpdgroup.com/nl/mydpd/my-parcels/track?lang=en&parcelNumber={number}",
    ),
    "be": Network(
        "BE",
        "https://wsshipper.dpd.be",
        None,
        "/soap/services/LoginServiceV21/",
        "/soap/services/ParcelLifeCycleServiceV20/",
        "2.1",
        "https://www.dpdgroup.com/be/mydpd/my-parcels/track?lang=en&parcelNumber={number}",
    ),
}

_TYPES = "http://dpd.com/common/service/types"
_SOAP = "http://schemas.xmlsoap.org/soap/envelope/"

#: Error codes that speak of the account: DELICOM_ERR_AUTHENTICATION, ERR_DELICOM_TOKEN_EXPIRED, ..._INCORRECT.
_OF_THE_ACCOUNT = re.compile(r"AUTHENTICATION|_TOKEN_")

#: Words of an error code that say the parcel is not known. Unverified: DPD documents none.
_OF_THE_NUMBER = re.compile(r"NOT_?FOUND|NO_?DATA|UNKNOWN_(PARCEL|LABEL|NUMBER)")

#: Day, month and year in the language's order, and the time of day.
_DATE = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4}),?\s+(\d{1,2}):(\d\d)(?::(\d\d))?(?:\s*([AP])\.?M\.?)?", re.I)


class DPDOptions(CarrierOptions):
    """What a merchant can set for DPD."""

    required: ClassVar[tuple[str, ...]] = ("delis_id",)

    delis_id: str = Field("", max_length=50, description="The account's DELIS-ID (user name), which DPD wants.")
    network: Literal["de", "nl", "be"] = Field("de", description="The DPD company the account is with.")
    language: str = Field(
        "en_EN",
        pattern=r"^[a-z]{2}_[A-Z]{2}$",
        description="Language of the texts. Returns are recognised in English only.",
    )


def _login(network: Network, account: DPDOptions) -> Login:
    """The call for a token. It lives for a day, and DPD allows ten log-ins in it."""
    service = f"{_TYPES}/LoginService/{network.login_version}"
    call = _post(
        (),
        network.login_path,
        f"{service}/getAuth",
        "",
        f'<ns:getAuth xmlns:ns="{service}">'
        f"<delisId>{escape(account.delis_id)}</delisId>"
        "<password>{{password}}</password>"
        f"<messageLanguage>{account.language}</messageLanguage>"
        "</ns:getAuth>",
    )
    return Login(call, ("password",), token="authToken", hours=24, refused="DELICOM_TOKEN_")  # noqa: S106 - a field's name


def _post(numbers: Sequence[TrackingNumber], path: str, action: str, header: str, body: str) -> Call:
    """A SOAP call."""
    document = (
        f'<soapenv:Envelope xmlns:soapenv="{_SOAP}">'
        f"<soapenv:Header>{header}</soapenv:Header><soapenv:Body>{body}</soapenv:Body>"
        "</soapenv:Envelope>"
    )
    return Call.post_xml(numbers, path, document, headers={"SOAPAction": f'"{action}"'})


class DPD(Carrier):
    """DPD's parcels as its shippers' web service tells of them."""

    info = Info(
        code="dpd",
        name="DPD",
        docs="https://integrations.dpd.nl/dpd-shipper/dpd-shipper-webservices/parcellifecycle-service/",
        auth=_login(NETWORKS["de"], DPDOptions()),
        production=NETWORKS["de"].production,
        sandbox=NETWORKS["de"].sandbox,
        tracking_page=NETWORKS["de"].tracking_page,
        # "Rate limiting applies"; unverified guess.
        quota=Quota(per_second=1),
        names=(
            "DPD Germany",
            "DPD Deutschland",
            "DPD DE",
            "DPD Netherlands",
            "DPD Nederland",
            "DPD NL",
            "DPD Belgium",
            "DPD BE",
            "DPD Classic",
            "DPDgroup",
            "Dynamic Parcel Distribution",
        ),
    )
    codes = CODES
    Options: ClassVar[type[CarrierOptions]] = DPDOptions

    def __init__(self, options: CarrierOptions | None = None) -> None:
        """With the hosts of the account's DPD company, and its log-in."""
        super().__init__(options)
        assert isinstance(self.options, DPDOptions)  # noqa: S101 - what the class itself declares
        self._account: DPDOptions = self.options
        self._network = NETWORKS[self._account.network]
        self._home = Place(country=self._network.country)
        self.info = replace(
            DPD.info,
            auth=_login(self._network, self._account),
            production=self._network.production,
            sandbox=self._network.sandbox,
            tracking_page=self._network.tracking_page,
        )

    def call(self, numbers: Sequence[TrackingNumber]) -> Call:
        """One SOAP call for one number, with the log-in's token in its header."""
        (number,) = numbers
        return _post(
            numbers,
            self._network.tracking_path,
            f"{_TYPES}/ParcelLifeCycleService/2.0/getTrackingData",
            f'<ns:authentication xmlns:ns="{_TYPES}/Authentication/2.0">'
            f"<delisId>{escape(self._account.delis_id)}</delisId>"
            "<authToken>{{token}}</authToken>"
            f"<messageLanguage>{self._account.language}</messageLanguage>"
            "</ns:authentication>",
            f'<ns1:getTrackingData xmlns:ns1="{_TYPES}/ParcelLifeCycleService/2.0">'
            f"<parcelLabelNumber>{escape(number)}</parcelLabelNumber>"
            "</ns1:getTrackingData>",
        )

    def parse(self, reply: Reply) -> Iterable[Report]:
        """One Report, of the number asked: the answer repeats none."""
        if reply.status in (401, 403, 429):
            raise reply.failure() or BadPayload(f"HTTP {reply.status}")
        try:
            body = record(reply.xml(), "Envelope", "Body")
        except BadPayload as unreadable:
            raise unreadable if reply.status == 404 else reply.failure() or unreadable from None
        if fault := _fault(record(body, "Fault")):
            raise fault
        if failure := reply.failure():
            raise failure
        if "getTrackingDataResponse" not in body:
            raise BadPayload("no getTrackingDataResponse")
        result = record(body, "getTrackingDataResponse", "trackingresult")
        reached = [info for info in records(result, "statusInfo") if text(info, "statusHasBeenReached") == "true"]
        if not reached:
            raise NotFound("DPD lists no status that has been reached")
        events = list(self._events(reached))
        if not events:
            raise BadPayload("no status with a readable date")
        if not reply.numbers:
            raise BadPayload("DPD repeats no number: tell which one was asked about")
        return [Report(reply.numbers[0], (Shipment(tuple(reversed(events))),))]

    def _events(self, reached: list[dict[str, Any]]) -> Iterator[Event]:
        """The statuses as events, oldest first as DPD lists them."""
        for info in reached:
            status = text(info, "status")
            description = _content(info.get("description")) or _content(info.get("label"))
            place = _place(_content(info.get("location")))
            when = _instant(_content(info.get("date")), self._account.language, place, self._home)
            if when is None or not status:
                continue
            code = TEXTS.code(description) or status
            yield Event(*when, code, CODES.meaning(code), unsigned(description), place)


def _fault(fault: dict[str, Any]) -> CarrierError | None:
    """The error of a SOAP fault, which DPD sends with HTTP 500: by its code, which stands under the fault's kind."""
    details = [detail for detail in record(fault, "detail").values() if isinstance(detail, dict)]
    for detail in details:
        code = text(detail, "errorCode").upper()
        message = f"{code}: {text(detail, 'errorMessage')}"[:300].strip(": ")
        if _OF_THE_ACCOUNT.search(code):
            return AuthFailed(message)
        if _OF_THE_NUMBER.search(code):
            return NotFound(message)
        if code:
            return BadPayload(message)
    return None


def _content(value: object) -> str:
    """The text of DPD's nested `content`s, of which there can be several."""
    if isinstance(value, list):
        return " ".join(filter(None, map(_content, value)))
    return _content(value.get("content")) if isinstance(value, dict) else text(value)


def _place(location: str) -> Place | None:
    """`Puurs (BE)` -> its city and country."""
    city, bracket, rest = location.rpartition("(")
    country = country_code(rest.rstrip(") ")) if bracket else ""
    place = Place(city=city.strip() if country else location, country=country)
    return place if any(place) else None


def _instant(stated: str, language: str, *places: Place | None) -> tuple[datetime, ZoneSource] | None:
    """A date as the language writes it, a local time at the first place with a known zone.

    `8/17/2021 7:11:26 PM` was recorded for en_EN: with AM or PM, and with slashes in English, the month stands
    first; else the day does. A number above 12 is the day in any case.
    """
    found = _DATE.fullmatch(stated)
    if found is None:
        return instant(stated, *places)
    first, sign, second, year, hour, minute, seconds, half = found.groups()
    month_first = half is not None or (sign == "/" and language.startswith("en"))
    month, day = (first, second) if month_first else (second, first)
    if int(month) > 12:
        month, day = day, month
    hours = int(hour) if half is None else int(hour) % 12 + 12 * (half.upper() == "P")
    return instant(f"{year}-{int(month):02}-{int(day):02}T{hours:02}:{minute}:{seconds or '00'}", *places)
