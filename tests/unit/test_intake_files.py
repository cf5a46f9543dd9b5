"""Files at the first door: what is taken, what is left out, and how a bad file is refused."""

import json
from typing import Any

import pytest

from carriers.sdk.status import FulfillmentStatus
from tracker.intake import BadInput, Registration, read_file

FULFILLMENT: dict[str, Any] = {
    "sourceFulfillmentId": "f-1",
    "fulfillmentStatus": "Fulfilled",
    "sourceItemIds": [{"sourceItemId": "1478", "quantity": 1}],
    "trackingCompany": "FedEx",
    "trackingNumber": ["794644790132", "794644790143"],
    "trackingUrl": ["https://follow.example/794644790132"],
    "createdAt": "2026-03-20T12:00:00+02:00",
    "updatedAt": None,
}
ORDER: dict[str, Any] = {
    "sourceOrderId": "#517AB",
    "sourceOrderNumber": "#634C",
    "sourceCreatedAt": "2026-03-19T08:00:00.250Z",
    "platformId": "Shopify",
    "total": "12.50",
    "tax": 1,
    "customerEmail": "ada@example.com",
    "customerName": "Ada Nowhere",
    "customerPhone": "+1 555 0100",
    "tags": "vip, ada",
    "orderItems": [{"productName": "Lamp", "quantity": 1, "price": "11.50", "engraving": "for Ada"}],
    "address": {
        "firstName": "Ada",
        "lastName": "Nowhere",
        "address1": "1 Elm Street",
        "city": "Albany",
        "state": "NY",
        "zip": "12207",
        "country": "us",
    },
    "fulfillments": [FULFILLMENT],
}
HEADER = "sourceOrderId,sourceFulfillmentId,trackingNumber,trackingCompany"


def read(value: object, name: str = "orders.json") -> list[Registration]:
    data = (
        value if isinstance(value, bytes) else value.encode() if isinstance(value, str) else json.dumps(value).encode()
    )
    return read_file(name, data)


def problems(value: object, name: str = "orders.json") -> list[tuple[str, str, str]]:
    with pytest.raises(BadInput) as caught:
        read(value, name)
    assert all(problem.file == name and name in str(caught.value) for problem in caught.value.problems)
    return [(problem.place, problem.wrong, problem.expected) for problem in caught.value.problems]


def with_fulfillment(**fields: object) -> dict[str, Any]:
    return ORDER | {"fulfillments": [FULFILLMENT | fields]}


def test_an_order_with_its_fulfillments() -> None:
    (found,) = read(ORDER)
    (fulfillment,) = found.fulfillments
    assert found.source_order_id == "#517AB"
    assert found.complete
    assert fulfillment.status is FulfillmentStatus.FULFILLED
    assert fulfillment.payload == {
        "sourceItemIds": [{"sourceItemId": "1478", "quantity": 1}],
        "trackingCompany": "FedEx",
        "trackingNumber": ["794644790132", "794644790143"],
        "trackingUrl": ["https://follow.example/794644790132"],
        "createdAt": "2026-03-20T10:00:00.000Z",
    }


def test_only_named_fields_of_an_order_pass() -> None:
    (found,) = read(ORDER)
    assert found.order == {
        "sourceOrderId": "#517AB",
        "sourceOrderNumber": "#634C",
        "sourceCreatedAt": "2026-03-19T08:00:00.250Z",
        "platformId": "shopify",
        "total": 12.5,
        "tax": 1.0,
        "orderItems": [{"productName": "Lamp", "quantity": 1, "price": 11.5}],
        "address": {"state": "NY", "zip": "12207", "country": "US"},
    }
    assert found.address == {"state": "NY", "zip": "12207", "country": "US"}


@pytest.mark.parametrize(
    ("written", "kept"),
    [("United States", "US"), ("DEU", "DE"), (" germany ", "DE"), ("us", "US"), ("Ruritania", "Ruritania"), ("", "")],
)
def test_a_country_becomes_its_code_where_that_is_known(written: str, kept: str) -> None:
    (from_json,) = read({"sourceOrderId": "#1", "address": {"country": written}})
    assert from_json.address == {"country": kept}
    assert from_json.order is not None
    assert from_json.order["address"].get("country", "") == kept
    (from_table,) = read(f"{HEADER},country\n#1,f1,794644790132,FedEx,{written}\n", "orders.csv")
    assert (from_table.address or {}).get("country", "") == kept


def test_a_fulfillment_names_its_order() -> None:
    (found,) = read(FULFILLMENT | {"sourceOrderId": 5521})
    assert (found.source_order_id, found.order, found.complete) == ("5521", None, False)


@pytest.mark.parametrize(
    "text",
    [
        json.dumps([ORDER, FULFILLMENT | {"sourceOrderId": "2"}]),
        json.dumps(ORDER) + "\r\n\n" + json.dumps(FULFILLMENT | {"sourceOrderId": "2"}) + "\n",
        json.dumps({"fulfillments": [FULFILLMENT | {"sourceOrderId": "2"}], "orders": [ORDER]}),
        "\ufeff" + json.dumps([ORDER, FULFILLMENT | {"sourceOrderId": "2"}], indent=2),
    ],
    ids=["array", "lines", "wrapper", "byte order mark"],
)
def test_the_forms_of_json(text: str) -> None:
    assert [found.source_order_id for found in read(text, "-")] == ["#517AB", "2"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("delivered", FulfillmentStatus.DELIVERED),
        ("out-for delivery", FulfillmentStatus.OUT_FOR_DELIVERY),
        ("Not_Delivered", FulfillmentStatus.FAILURE),
    ],
)
def test_a_status_in_any_writing(written: str, meant: FulfillmentStatus) -> None:
    assert read(with_fulfillment(fulfillmentStatus=written))[0].fulfillments[0].status is meant


@pytest.mark.parametrize(
    ("numbers", "urls", "read_numbers", "read_urls"),
    [
        (
            "1Z 999 AA1 01 2345 6784",
            "https://a.example/?x=1;2|3",
            ["1Z999AA10123456784"],
            ["https://a.example/?x=1;2|3"],
        ),
        ("794644790132 794644790143", None, ["794644790132", "794644790143"], []),
        (
            "794644790132;794644790143|1Z 999 AA1 01 2345 6784",
            "",
            ["794644790132", "794644790143", "1Z999AA10123456784"],
            [],
        ),
        (
            [794644790132, None, "794644790132", "jd0146"],
            ["", "", "https://a.example/2"],
            ["794644790132", "JD0146"],
            ["https://a.example/2"],
        ),
        (["AAAA1", "BBBB2"], ["", "https://a.example/b"], ["AAAA1", "BBBB2"], ["", "https://a.example/b"]),
        (None, None, [], []),
    ],
)
def test_numbers_and_urls(numbers: object, urls: object, read_numbers: list[str], read_urls: list[str]) -> None:
    payload = read(with_fulfillment(trackingNumber=numbers, trackingUrl=urls))[0].fulfillments[0].payload
    assert (payload["trackingNumber"], payload["trackingUrl"]) == (read_numbers, read_urls)


@pytest.mark.parametrize(
    ("fields", "place", "wrong", "expected"),
    [
        ({"fulfillmentStatus": "shipped"}, "fulfillmentStatus", "'shipped'", "DELIVERED"),
        ({"fulfillmentStatus": None}, "fulfillmentStatus", "null", "DELIVERED"),
        ({"sourceFulfillmentId": " "}, "sourceFulfillmentId", "blank", "255"),
        ({"sourceFulfillmentId": 1.5}, "sourceFulfillmentId", "number", "text"),
        ({"trackingNumber": ["OK1234", "A/B12345"]}, "trackingNumber[1]", "A/B12345", "letters and digits"),
        ({"trackingNumber": "9" * 300}, "trackingNumber[0]", "no tracking number", "300"),
        ({"trackingNumber": "AB\x0712345"}, "trackingNumber[0]", "no tracking number", "4 to 40"),
        ({"trackingNumber": [True]}, "trackingNumber[0]", "true or false", "tracking number"),
        ({"trackingNumber": {}}, "trackingNumber", "an object", "list"),
        ({"trackingUrl": ["javascript:alert(1)"]}, "trackingUrl[0]", "no web address", "https://"),
        ({"createdAt": "yesterday"}, "createdAt", "'yesterday'", "ISO 8601"),
        ({"createdAt": "0001-01-01T00:00:00+14:00"}, "createdAt", "0001", "ISO 8601"),
        ({"sourceItemIds": [{"sourceItemId": "1", "quantity": "2"}]}, "sourceItemIds[0].quantity", "a text", "whole"),
        ({"trackingCompany": ["FedEx"]}, "trackingCompany", "a list", "text"),
    ],
)
def test_a_bad_field_is_named(fields: dict[str, object], place: str, wrong: str, expected: str) -> None:
    (found,) = problems([{"sourceOrderId": "1"}, with_fulfillment(**fields)])
    assert found[0] == f"[1].fulfillments[0].{place}"
    assert wrong in found[1]
    assert expected in found[2]


@pytest.mark.parametrize(
    ("fields", "place", "wrong"),
    [
        ({"total": "twelve"}, "total", "is a text"),
        ({"total": "nan"}, "total", "not a finite number"),
        ({"total": True}, "total", "is true or false"),
        ({"platformId": "etsy"}, "platformId", "'etsy'"),
        ({"fulfillments": "none"}, "fulfillments", "is a text"),
        ({"fulfillments": [7]}, "fulfillments[0]", "is a number"),
        ({"address": {"country": 49}}, "address.country", "is a number"),
        ({"orderItems": [{"price": []}]}, "orderItems[0].price", "is a list"),
    ],
)
def test_a_bad_field_of_an_order_is_named(fields: dict[str, object], place: str, wrong: str) -> None:
    ((found, words, _),) = problems({"orders": [ORDER | fields]})
    assert found == f"orders[0].{place}"
    assert wrong in words


def test_a_fulfillment_without_its_order() -> None:
    assert problems([FULFILLMENT])[0][:2] == ("[0].sourceOrderId", "is missing")
    assert problems({"fulfillments": [FULFILLMENT]})[0][:2] == ("fulfillments[0].sourceOrderId", "is missing")


@pytest.mark.parametrize(
    ("data", "place", "wrong"),
    [
        (b"", "", "is empty"),
        (b" \n\t", "", "is empty"),
        (b'{"a": 1,\n "b": [1, 2', "line 2, column 12", "is not JSON"),
        (b"[]", "", "empty list"),
        (b"null", "", "is null"),
        (b'[{"sourceOrderId": "1"}, 5]', "[1]", "is a number"),
        (b'{"id": 5}', "", "neither sourceOrderId nor sourceFulfillmentId"),
        (b'{"orders": {}}', "orders", "is an object"),
        (b'{"sourceOrderId": "1"}\n{"sourceOrderId": \n{"sourceOrderId": "2"}', "line 2, column 19", "is not JSON"),
        (b'{"sourceOrderId": "1"}\n{"sourceOrderId": null}', "line 2: sourceOrderId", "is null"),
        (b'{"sourceOrderId": "1"}\n[]', "line 2", "is a list"),
        (b'{"sourceOrderId": "caf\xe9"}', "byte 22, line 1", "not UTF-8"),
        (b"\xff\xfe{\0}\0", "", "UTF-16"),
        (b"PK\x03\x04\0\0", "line 1", "is binary"),
        (b"\x89PNG\r\n\x1a\n", "byte 0, line 1", "not UTF-8"),
        (b"[" * 5000, "line 1, column", "is not JSON"),
    ],
)
def test_what_is_no_input_at_all(data: bytes, place: str, wrong: str) -> None:
    found = problems(data)[0]
    assert found[0].startswith(place)
    assert wrong in found[1]


def test_all_problems_are_told_and_the_rest_counted() -> None:
    bad = [FULFILLMENT | {"sourceOrderId": "1", "fulfillmentStatus": "x", "createdAt": 5}] * 60
    with pytest.raises(BadInput, match="and 70 more") as caught:
        read([*bad, ORDER])
    assert (len(caught.value.problems), caught.value.count) == (50, 120)


def test_problems_show_nothing_personal() -> None:
    bad = ORDER | {"total": "Ada", "currency": 7, "address": ["1 Elm Street"], "sourceUpdatedAt": []}
    with pytest.raises(BadInput) as caught:
        read([bad])
    assert not any(word in str(caught.value) for word in ("Ada", "Elm", "Albany", "12207", "555"))


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table(delimiter: str) -> None:
    rows = [
        "Source Order ID,SOURCE_FULFILLMENT_ID,tracking_number,trackingcompany,Fulfillment-Status"
        ",trackingUrl,createdAt,country,Customer Name",
        '#1,f1,"794644790132 794644790143",FedEx,in transit,"https://a.example/1 https://a.example/2",2026-03-20,us,Ada',
        "#1,f1,794644790154,FedEx,,,2026-03-19T10:00:00Z,,Ada",
        ",,,,,,,,",
        "#2,f2,,,,,,,",
    ]
    text = "\r\n".join(row.replace(",", delimiter) for row in rows)
    one, two = read(text, "orders.csv")
    assert (one.source_order_id, one.address, one.order, one.complete) == ("#1", {"country": "US"}, None, False)
    assert one.fulfillments[0].status is FulfillmentStatus.IN_TRANSIT
    assert one.fulfillments[0].payload == {
        "trackingCompany": "FedEx",
        "trackingNumber": ["794644790132", "794644790143", "794644790154"],
        "trackingUrl": ["https://a.example/1", "https://a.example/2"],
        "createdAt": "2026-03-19T10:00:00.000Z",
    }
    assert two.fulfillments[0].payload == {"trackingCompany": "", "trackingNumber": []}
    assert two.fulfillments[0].status is None


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        (
            "sourceOrderId,trackingNumber,trackingCompany\n",
            "line 1, column sourceFulfillmentId",
            "found sourceOrderId, tracking",
        ),
        (f"{HEADER},tracking_number\n", "line 1, column trackingNumber", "2 times"),
        (f"{HEADER}\n", "", "no rows"),
        (f"{HEADER}\n1,f,794644790132\n", "line 2", "3 cells"),
        (f"{HEADER}\n1,f,A/B12345,FedEx\n", "line 2, column trackingNumber", "no tracking number"),
        (f"{HEADER}\n\n1,,794644790132,FedEx\n", "line 3, column sourceFulfillmentId", "blank"),
        (f"{HEADER},fulfillmentStatus\n1,f,794644790132,FedEx,gone\n", "line 2, column fulfillmentStatus", "'gone'"),
        (
            f"{HEADER}\n1,f,794644790132,FedEx\n1,f,794644790143,UPS\n",
            "line 3, column trackingCompany",
            "'UPS', but 'FedEx' in line 2",
        ),
        (f'{HEADER}\n1,f,"794644790132,FedEx\n', "line", "is not CSV"),
        (f"{HEADER}\n1,f,9.40011E+21,USPS\n", "line 2, column trackingNumber", "no tracking number"),
    ],
)
def test_a_bad_table(text: str, place: str, words: str) -> None:
    found = problems(text, "orders.csv")[0]
    assert found[0].startswith(place)
    assert words in " ".join(found)


def test_a_table_without_header_shows_no_row() -> None:
    found = problems("5521,f1,794644790132,ada@example.com,1 Elm Street\n", "orders.csv")
    assert len(found) == 4
    assert not any(word in str(found) for word in ("ada@", "Elm"))


def test_later_words_win_within_a_file() -> None:
    later = FULFILLMENT | {
        "sourceOrderId": "#517AB",
        "trackingNumber": ["794644790143"],
        "fulfillmentStatus": "ON_HOLD",
    }
    del later["trackingUrl"], later["trackingCompany"]
    (found,) = read([ORDER, later])
    (fulfillment,) = found.fulfillments
    assert fulfillment.status is FulfillmentStatus.ON_HOLD
    assert fulfillment.payload["trackingCompany"] == "FedEx"
    assert (fulfillment.payload["trackingNumber"], fulfillment.payload["trackingUrl"]) == (["794644790143"], [])
    assert found.complete
