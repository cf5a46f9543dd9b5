"""What a carrier file may import: this package, the standard library, and nothing else."""

from carriers.sdk.auth import ApiKey, Auth, Basic, Credentials, InRequest, Login, NoAuth, OAuth2, credentials_model
from carriers.sdk.carrier import Aggregator, Carrier, CarrierOptions, Info, Quota, read
from carriers.sdk.codes import INFORMATIONAL, Codes, Effect, Meaning, TextRule, TextRules
from carriers.sdk.errors import (
    AccountError,
    AmbiguousShipment,
    AuthFailed,
    BadPayload,
    CarrierError,
    InvalidNumber,
    NotFound,
    NumberError,
    RateLimited,
    Unavailable,
)
from carriers.sdk.events import Event, Place, Report, Shipment, Summary, ZoneSource
from carriers.sdk.exchange import Call, Reply, segment
from carriers.sdk.hooks import Delivery, Hmac, Hook, Proof, StampedHmac, Suffixed, Token
from carriers.sdk.numbers import TrackingNumber, tracking_number
from carriers.sdk.pieces import furthest_behind
from carriers.sdk.reading import record, records, text, unsigned
from carriers.sdk.status import FulfillmentStatus
from carriers.sdk.unchanged import Items, ReadBefore
from carriers.sdk.zones import country_code, end_of_day, instant, promised, zone_of

__all__ = [
    "INFORMATIONAL",
    "AccountError",
    "Aggregator",
    "AmbiguousShipment",
    "ApiKey",
    "Auth",
    "AuthFailed",
    "BadPayload",
    "Basic",
    "Call",
    "Carrier",
    "CarrierError",
    "CarrierOptions",
    "Codes",
    "Credentials",
    "Delivery",
    "Effect",
    "Event",
    "FulfillmentStatus",
    "Hmac",
    "Hook",
    "InRequest",
    "Info",
    "InvalidNumber",
    "Items",
    "Login",
    "Meaning",
    "NoAuth",
    "NotFound",
    "NumberError",
    "OAuth2",
    "Place",
    "Proof",
    "Quota",
    "RateLimited",
    "ReadBefore",
    "Reply",
    "Report",
    "Shipment",
    "StampedHmac",
    "Suffixed",
    "Summary",
    "TextRule",
    "TextRules",
    "Token",
    "TrackingNumber",
    "Unavailable",
    "ZoneSource",
    "country_code",
    "credentials_model",
    "end_of_day",
    "furthest_behind",
    "instant",
    "promised",
    "read",
    "record",
    "records",
    "segment",
    "text",
    "tracking_number",
    "unsigned",
    "zone_of",
]
