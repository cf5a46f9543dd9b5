"""Order Protection's JSON as it comes in: which fields pass, and what each must look like.

The models are the white list. A field that is not named here, and so everything that tells who the customer
is, is not even read; of the address only state, postal code and country are. Source: Order Protection's API
reference, `POST /v1/orders` and `POST /v1/orders/{sourceOrderId}/fulfillments`.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AliasGenerator, BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from carriers.sdk.numbers import TrackingNumber, tracking_number
from carriers.sdk.status import FulfillmentStatus
from carriers.sdk.zones import country_code
from tracker.intake.problems import Problem, kind, of_validation, refuse, shown
from tracker.intake.registrations import FulfillmentGiven, Registration
from tracker.routing import order_tags

#: Characters an id may have, and a URL.
ID_LENGTH = 255
URL_LENGTH = 2000

PLATFORMS = ("shopify", "woocommerce", "magento", "bigcommerce", "api")


def _id(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise refuse(f"is {kind(value)}", "a text")
    value = value.strip()
    if not (1 <= len(value) <= ID_LENGTH and value.isprintable()):
        raise refuse(
            "is blank" if not value else f"has {len(value)} characters, or one that cannot be printed",
            f"1 to {ID_LENGTH} printable characters",
        )
    return value


def _status(value: object) -> FulfillmentStatus:
    if isinstance(value, str):
        try:
            return FulfillmentStatus.read(value)
        except ValueError:
            pass
    wrong = f"is {shown(value)}" if isinstance(value, str) else f"is {kind(value)}"
    raise refuse(wrong, f"one of {', '.join(FulfillmentStatus)}")


def _number(value: object) -> str:
    """A tracking number, or '' for a blank one."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if value is None or value == "":
        return ""
    if not isinstance(value, str):
        raise refuse(f"is {kind(value)}", "a tracking number, as a text")
    if not value.strip():
        return ""
    try:
        return tracking_number(value)
    except ValueError as error:
        wrong, _, expected = str(error).partition(": expected ")
        raise refuse(wrong, expected) from None


def split_numbers(text: str) -> list[str]:
    """Several numbers in one text, apart by `;`, `|`, `,` or blanks.

    Pieces of under eight characters between blanks are the groups of one number as people write it.
    """
    numbers: list[str] = []
    for part in re.split(r"[;|,]", text):
        pieces = re.split(r"[ \t\r\n]+", part.strip(" \t\r\n"))
        numbers += pieces if all(len(piece) >= 8 for piece in pieces) else [part.strip()]
    return [number for number in numbers if number]


def split_urls(text: str) -> list[str]:
    """Several URLs in one text, apart by blanks, `;`, `|` or `,`."""
    return [url for url in re.split(r"[\s;|,]+(?=https?://)", text.strip()) if url]


def _listed(split: Callable[[str], list[str]]) -> Callable[[object], object]:
    def listed(value: object) -> object:
        if value is None:
            return []
        if isinstance(value, int) and not isinstance(value, bool):
            return [value]
        if isinstance(value, str):
            return split(value)
        return value

    return listed


def _url(value: object) -> str:
    """A web address, or '' for a blank one."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise refuse(f"is {kind(value)}", "a web address, as a text")
    value = value.strip()
    if value and not (
        re.match(r"https?://\S+$", value, re.IGNORECASE) and len(value) <= URL_LENGTH and value.isprintable()
    ):
        raise refuse("is no web address", f"http:// or https://, and at most {URL_LENGTH} characters")
    return value


def _when(value: object) -> str | None:
    """ISO 8601, with UTC where it has no offset -> ISO 8601 in UTC with milliseconds."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    try:
        moment = datetime.fromisoformat(value.strip()) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or not 2000 <= moment.year < 2100:
        wrong = f"is {shown(value)}" if isinstance(value, str) else f"is {kind(value)}"
        raise refuse(wrong, "a date and time in ISO 8601, such as 2024-03-20T12:00:00Z, after 2000")
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _money(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return float(value) if value.strip() else None
    except ValueError:
        raise refuse("is a text", "a number") from None


def _platform(value: object) -> object:
    if value is None:
        return None
    if isinstance(value, str) and value.strip().lower() in PLATFORMS:
        return value.strip().lower()
    raise refuse(
        f"is {shown(value)}" if isinstance(value, str) else f"is {kind(value)}", f"one of {', '.join(PLATFORMS)}"
    )


Id = Annotated[str, BeforeValidator(_id)]
OptionalId = Annotated[str | None, BeforeValidator(lambda value: None if value in (None, "") else _id(value))]
Status = Annotated[FulfillmentStatus, BeforeValidator(_status)]
Numbers = Annotated[list[Annotated[str, BeforeValidator(_number)]], BeforeValidator(_listed(split_numbers))]
Urls = Annotated[list[Annotated[str, BeforeValidator(_url)]], BeforeValidator(_listed(split_urls))]
When = Annotated[str | None, BeforeValidator(_when)]
Money = Annotated[float | None, BeforeValidator(_money)]
Platform = Annotated[str | None, BeforeValidator(_platform)]


class _Json(BaseModel):
    """Fields in camelCase; others are not read."""

    model_config = ConfigDict(
        strict=True,
        extra="ignore",
        allow_inf_nan=False,
        hide_input_in_errors=True,
        alias_generator=AliasGenerator(validation_alias=to_camel, serialization_alias=to_camel),
    )

    def said(self) -> dict[str, Any]:
        """The fields that were there, by their JSON names."""
        return self.model_dump(by_alias=True, exclude_unset=True)


class Item(_Json):
    """A part of a fulfillment."""

    source_item_id: Id
    quantity: int


class FulfillmentJson(_Json):
    """A fulfillment."""

    source_fulfillment_id: Id
    fulfillment_status: Status
    source_item_ids: list[Item] | None = None
    tracking_company: str | None = None
    tracking_number: Numbers = []
    tracking_url: Urls = []
    created_at: When = None
    updated_at: When = None


class NamedFulfillmentJson(FulfillmentJson):
    """A fulfillment on its own, which must name its order."""

    source_order_id: Id


def _tags(value: object) -> frozenset[str] | None:
    """A comma-separated text, or a list of tags."""
    listed = value.split(",") if isinstance(value, str) else value
    if listed is None:
        return None
    if not isinstance(listed, list) or not all(isinstance(tag, str) for tag in listed):
        raise refuse(f"is {kind(value)}", "tags separated by commas, or a list of them")
    return order_tags(",".join(listed))


Tags = Annotated[frozenset[str] | None, BeforeValidator(_tags)]


class OrderItem(_Json):
    """A line of an order."""

    product_name: str | None = None
    product_url: str | None = None
    product_image: str | None = None
    sku: str | None = None
    quantity: int | None = None
    price: Money = None
    source_item_id: OptionalId = None
    source_product_id: OptionalId = None
    source_variant_id: OptionalId = None
    description: str | None = None


class Address(_Json):
    """Where to, as far as time zones and delivery days need it."""

    state: str | None = None
    zip: str | None = None
    country: str | None = None


class OrderJson(_Json):
    """An order."""

    source_order_id: Id
    original_source_order_number: OptionalId = None
    source_order_number: OptionalId = None
    source_created_at: When = None
    source_updated_at: When = None
    source_cancelled_at: When = None
    platform_id: Platform = None
    premium_paid: Money = None
    premium_cost: Money = None
    premium_discount: Money = None
    risk_level: str | None = None
    currency: str | None = None
    total: Money = None
    discount_total: Money = None
    shipping_cost: Money = None
    tax: Money = None
    subtotal: Money = None
    shipping_cost_tax: Money = None
    order_items: list[OrderItem] | None = None
    address: Address | None = None
    tags: Tags = None
    fulfillments: list[FulfillmentJson] | None = None


def given(fulfillment: FulfillmentJson) -> FulfillmentGiven:
    """A fulfillment as intake goes on with it."""
    payload = fulfillment.said()
    for name in ("sourceFulfillmentId", "fulfillmentStatus", "sourceOrderId"):
        payload.pop(name, None)
    for name in ("createdAt", "updatedAt", "sourceItemIds"):
        if payload.get(name, "") is None:  # null is as good as absent: the receiver fills it in
            del payload[name]
    if "trackingCompany" in payload:
        payload["trackingCompany"] = " ".join((payload["trackingCompany"] or "").split())
    if "trackingNumber" in payload:
        payload |= parallel(payload["trackingNumber"], payload.get("trackingUrl", []), "trackingUrl" in payload)
    else:
        payload.pop("trackingUrl", None)  # URLs mean nothing without the numbers they run in parallel with
    return FulfillmentGiven(fulfillment.source_fulfillment_id, fulfillment.fulfillment_status, payload)


def parallel(numbers: list[str], urls: list[str], urls_said: bool) -> dict[str, list[str]]:
    """Numbers without blanks and repetitions, and the URLs that go with them, '' where one has none."""
    pairs: dict[TrackingNumber, str] = {}
    for position, number in enumerate(numbers):
        url = urls[position] if position < len(urls) else ""
        if number and not pairs.get(TrackingNumber(number)):
            pairs[TrackingNumber(number)] = url
    lists = {"trackingNumber": [str(number) for number in pairs]}
    if urls_said:
        kept = list(pairs.values())
        while kept and not kept[-1]:
            kept.pop()
        lists["trackingUrl"] = kept
    return lists


def registration(value: dict[str, Any], file: str, place: str) -> Registration | list[Problem]:
    """An order, or a fulfillment that names its order, or what is wrong with it."""
    try:
        if "sourceFulfillmentId" in value or "fulfillmentStatus" in value:
            fulfillment = NamedFulfillmentJson.model_validate(value)
            return Registration(fulfillment.source_order_id, fulfillments=(given(fulfillment),))
        if "sourceOrderId" in value:
            return _order(OrderJson.model_validate(value))
    except ValidationError as error:
        return of_validation(error, file, place)
    wrong = "has neither sourceOrderId nor sourceFulfillmentId"
    return [Problem(file, place.removesuffix(": "), wrong, "an order, or a fulfillment with its sourceOrderId")]


def _order(order: OrderJson) -> Registration:
    fields = order.said()
    fulfillments = fields.pop("fulfillments", None)
    fields.pop("tags", None)  # free text, perhaps about the customer: only those that rules ask for are kept
    address = {name: _tidy(name, text or "") for name, text in (fields.get("address") or {}).items()}
    if "address" in fields:
        fields["address"] = {name: text for name, text in address.items() if text}
    return Registration(
        order.source_order_id,
        fields,
        address,
        tuple(given(fulfillment) for fulfillment in order.fulfillments or ()),
        complete=fulfillments is not None,
        tags=order.tags,
    )


def _tidy(name: str, text: str) -> str:
    """State, postal code or country; a country as its ISO 3166-1 alpha-2 code where that is known."""
    text = " ".join(text.split())
    return (country_code(text) or text) if name == "country" else text


def destination(country: str, state: str, postal_code: str) -> dict[str, str]:
    """Those parts of an address that are there, tidied."""
    parts = {"country": country, "state": state, "zip": postal_code}
    return {name: tidied for name, text in parts.items() if (tidied := _tidy(name, text))}
