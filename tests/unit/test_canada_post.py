"""Canada Post beyond the contract: two APIs and what lets one into them, clocks, places, wordings."""

import json
from typing import Any

import pytest

from carriers.canada_post import CanadaPost, CanadaPostOptions
from carriers.sdk import Basic, Effect, FulfillmentStatus, OAuth2, Reply, TrackingNumber, read
from carriers.sdk.codes import MEANINGS
from carriers.tables.canada_post import CODES, key

PIN = TrackingNumber("7035114477138472")


def event(**fields: Any) -> dict[str, Any]:
    return {"eventIdentifier": "0100", "eventDate": "2026-07-01", "eventTime": "22:15:00", **fields}


def only_event(**fields: Any) -> Any:
    body = json.dumps({"pin": PIN, "activeExists": True, "significantEvents": [event(**fields)]}).encode()
    return read(CanadaPost(), Reply((PIN,), 200, body))[0].shipments[0].events[0]


def test_the_portal_is_asked_with_a_token() -> None:
    carrier = CanadaPost()

    call = carrier.call([PIN])

    assert isinstance(carrier.info.auth, OAuth2)
    assert carrier.info.auth.scope == "merchant"
    assert call.path == f"/prod/devportal-portaildesdeveloppeurs/tracking/v1/pins/{PIN}/details"
    assert call.headers["Accept"] == "application/json"


def test_the_web_service_before_it_has_hosts_and_credentials_of_its_own() -> None:
    carrier = CanadaPost(CanadaPostOptions(api="xml"))

    call = carrier.call([PIN])

    assert carrier.info.auth == Basic("username", "password")
    assert (carrier.info.production, carrier.info.sandbox) == (
        "https://soa-gw.canadapost.ca",
        "https://ct.soa-gw.canadapost.ca",
    )
    assert call.path == f"/vis/track/pin/{PIN}/detail"
    assert call.headers["Accept"] == "application/vnd.cpc.track-v2+xml"
    assert isinstance(CanadaPost.info.auth, OAuth2)  # other accounts keep theirs


@pytest.mark.parametrize(
    ("fields", "expected", "zone"),
    [
        ({"eventTimeZone": "NDT"}, "2026-07-01T22:15:00-02:30", "given"),
        ({"eventTimeZone": "ADT"}, "2026-07-01T22:15:00-03:00", "given"),
        ({"eventTimeZone": "edt"}, "2026-07-01T22:15:00-04:00", "given"),
        # an abbreviation is its offset, in summer too
        ({"eventTimeZone": "EST", "eventProvince": "ON"}, "2026-07-01T22:15:00-05:00", "given"),
        ({"eventTimeZone": "MST", "eventProvince": "YT"}, "2026-07-01T22:15:00-07:00", "given"),
        # none, or an unknown one: the province's zone, else the one most Canadians live in
        ({"eventProvince": "SK"}, "2026-07-01T22:15:00-06:00", "assumed"),
        ({"eventProvince": "NL"}, "2026-07-01T22:15:00-02:30", "assumed"),
        ({"eventProvince": "BC", "eventTimeZone": "??"}, "2026-07-01T22:15:00-07:00", "assumed"),
        ({}, "2026-07-01T22:15:00-04:00", "assumed"),
        # abroad
        ({"eventTimeZone": "JAPAN", "eventSite": "JPKWSA"}, "2026-07-01T22:15:00+09:00", "assumed"),
        ({"eventSite": "JPKWSA", "eventIdentifier": "4310"}, "2026-07-01T22:15:00+09:00", "assumed"),
        ({"eventProvince": "TX", "eventSite": "DALLAS"}, "2026-07-01T22:15:00-05:00", "assumed"),
        # the portal's local day as a midnight in UTC
        ({"eventDate": "2026-07-01T00:00:00.000Z", "eventTimeZone": "PDT"}, "2026-07-01T22:15:00-07:00", "given"),
        ({"eventTime": None, "eventTimeZone": "PDT"}, "2026-07-01T00:00:00-07:00", "given"),
    ],
)
def test_clock(fields: dict[str, Any], expected: str, zone: str) -> None:
    found = only_event(**fields)

    assert (found.occurred_at.isoformat(), found.zone.value) == (expected, zone)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"eventSite": "GANDER", "eventProvince": "NL"}, ("GANDER", "NL", "", "CA")),
        ({"eventSite": "BARRIE", "eventTimeZone": "EST"}, ("BARRIE", "", "", "CA")),  # BA is no country here
        ({"eventSite": "ILTLVA,Israel"}, ("ILTLVA", "", "", "IL")),
        ({"eventSite": "SEATTLE", "eventProvince": "WA"}, ("SEATTLE", "WA", "", "US")),
    ],
)
def test_place(fields: dict[str, Any], expected: tuple[str, ...]) -> None:
    assert tuple(only_event(**fields).place) == expected


@pytest.mark.parametrize(
    ("identifier", "description", "expected"),
    [
        ("174", "Item out for delivery", "0174"),
        ("1496", "Delivered", "1496"),
        ("1496", "Item successfully returned to sender", "1496/RETURNING"),
        ("1498", "L'article a été renvoyé avec succès à l'expéditeur.", "1498/RETURNING"),
        ("0174", "L'article renvoyé à l'expéditeur est sorti pour livraison.", "0174/RETURNING"),
        ("1412", "L'article renvoyé à l'expéditeur est arrivé à l'installation postale.", "1412/RETURNING"),
        ("4700", "Item on hold", "4700"),
        ("4700", "Verifying recipient's address; Possible delay", "4700/DELAYED"),
        ("4700", "Recipient not located at address provided. Item being returned to sender.", "4700/RETURNING"),
        # announced, and not so
        ("0156", "Final Notice; Item will be returned to sender if not collected within 10 days", "0156"),
        # the identifier alone says it
        ("1417", "Item refused by recipient. Item being returned to sender.", "1417"),
        ("9999", "Item successfully returned to sender", "9999"),
    ],
)
def test_a_text_refines_the_identifiers_that_say_several_things(
    identifier: str, description: str, expected: str
) -> None:
    assert key(identifier, description) == expected


def test_a_refined_identifier_means_what_it_is_called() -> None:
    refined = {code: meaning for code, meaning in CODES.items() if "/" in code}

    assert refined
    assert all(meaning == MEANINGS[code.partition("/")[2]] for code, meaning in refined.items())


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("0156", FulfillmentStatus.READY_FOR_PICKUP),  # a last reminder: it still lies there
        ("0710", FulfillmentStatus.DELAYED),  # damaged under way
        ("1487", FulfillmentStatus.ON_HOLD),  # back to customs for an appeal is no return
        ("1495", FulfillmentStatus.ON_HOLD),
        ("1405", FulfillmentStatus.READY_FOR_PICKUP),
        ("1441", FulfillmentStatus.DELIVERED),  # the mailbox of the address is no locker elsewhere
        ("1411", FulfillmentStatus.ATTEMPTED_DELIVERY),
        ("0020", None),
    ],
)
def test_identifiers_easily_misread(code: str, status: FulfillmentStatus | None) -> None:
    assert CODES[code].status is status
    assert CODES[code].effect is Effect.NONE
