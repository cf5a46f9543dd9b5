"""Landmark Global beyond the contract: places out of one text, two forms of times, credentials in the request."""

import pytest

from carriers.landmark import Landmark, LandmarkOptions
from carriers.sdk import Event, Reply, TrackingNumber, read
from carriers.sdk.auth import placed

NUMBER = TrackingNumber("LTN501234567N1")


def event(location: str, moment: str = "2026-07-01 22:15:00") -> Event:
    body = (
        "<TrackResponse><Result><Success>true</Success><Packages><Package>"
        f"<LandmarkTrackingNumber>{NUMBER}</LandmarkTrackingNumber><Events><Event><Status>Item in\n   transit</Status>"
        f"<DateTime>{moment}</DateTime><Location>{location}</Location><EventCode>275</EventCode></Event></Events>"
        "</Package></Packages></Result></TrackResponse>"
    )
    return read(Landmark(), Reply((NUMBER,), 200, body.encode()))[0].shipments[0].events[0]


@pytest.mark.parametrize(
    ("location", "place", "offset"),
    [
        ("Toronto, ON, CA", ("Toronto", "ON", "", "CA"), "-04:00"),
        ("Vancouver, BC, CA", ("Vancouver", "BC", "", "CA"), "-07:00"),
        ("Los Angeles, CA, US", ("Los Angeles", "CA", "", "US"), "-07:00"),
        ("Lyon, FR", ("Lyon", "", "", "FR"), "+02:00"),
        ("London, UK", ("London", "", "", "GB"), "+01:00"),
        ("Columbus, OH", ("Columbus", "OH", "", "US"), "-04:00"),
        ("Calgary, AB", ("Calgary", "AB", "", "CA"), "-06:00"),
        ("Feltham, SRY", ("Feltham", "SRY", "", ""), "+02:00"),
        ("Machelen", ("Machelen", "", "", ""), "+02:00"),
        ("", None, "+02:00"),
    ],
)
def test_place(location: str, place: tuple[str, ...] | None, offset: str) -> None:
    found = event(location)

    assert (tuple(found.place) if found.place else None) == place
    assert found.occurred_at.isoformat() == f"2026-07-01T22:15:00{offset}"


@pytest.mark.parametrize("moment", ["2026-07-01 22:15:00", "07/01/2026 10:15 PM"])
def test_both_forms_of_times(moment: str) -> None:
    assert event("Lyon, FR", moment).occurred_at.isoformat() == "2026-07-01T22:15:00+02:00"


def test_a_text_over_several_lines_is_one_line() -> None:
    assert event("Lyon, FR").description == "Item in transit"


def test_credentials_stand_in_the_request() -> None:
    call = Landmark(LandmarkOptions(client_id="4711")).call([NUMBER])

    sent = placed(call, {"username": "shop&co", "password": "<secret>"}).body or b""

    assert b"<Username>shop&amp;co</Username><Password>&lt;secret&gt;</Password>" in sent
    assert b"<ClientID>4711</ClientID>" in sent
    assert b"secret" not in (call.body or b"")
