"""DHL Parcel DE: the request with two log-ins in it, events taken back, and codes other readers get wrong."""

from base64 import b64encode
from xml.etree import ElementTree

import pytest

from carriers.dhl_parcel_de import CODES, DHLParcelDE
from carriers.sdk import BadPayload, Effect, Reply, Shipment, TrackingNumber, read
from carriers.sdk.auth import placed

NUMBER = TrackingNumber("00340999000000000116")


def history(*events: tuple[str, str], numbers: tuple[TrackingNumber, ...] = (NUMBER,)) -> Shipment:
    """Events as (time, ICE/RIC/event), in the answer's order."""
    listed = "".join(
        '<data name="piece-event" event-timestamp="{}" ice="{}" ric="{}" standard-event-code="{}"/>'.format(
            time, *key.split("/")
        )
        for time, key in events
    )
    answer = (
        f'<data name="piece-shipment-list" code="0"><data name="piece-shipment" piece-code="{NUMBER}">'
        f'<data name="piece-event-list">{listed}</data></data></data>'
    )
    (report,) = read(DHLParcelDE(), Reply(numbers, 200, answer.encode()))
    return report.shipments[0]


def test_the_portals_log_in_stands_in_the_document_and_the_apps_in_a_header() -> None:
    call = DHLParcelDE().call([NUMBER, TrackingNumber("CX999000014DE")])
    secrets = {"api_key": "key", "api_secret": "s", "user": "shop", "password": "<a&b>\"'{{user}}"}

    sent = placed(call, secrets)

    document = ElementTree.fromstring(str(sent.query["xml"]))  # noqa: S314 - our own request
    assert document.attrib == {
        "appname": "shop",
        "password": secrets["password"],
        "request": "d-get-piece-detail",
        "language-code": "en",
        "piece-code": "00340999000000000116;CX999000014DE",
    }
    assert sent.headers["Authorization"] == f"Basic {b64encode(b'key:s').decode()}"


def test_a_deleted_event_is_the_one_before_it_in_time_wherever_it_is_listed() -> None:
    found = history(
        ("28.03.2026 12:04", "STORN/NRQRD/DD"),
        ("28.03.2026 12:02", "DLVRD/OTHER/ZU"),
        ("28.03.2026 15:40", "NTDEL/NHOME/ZN"),
        ("28.03.2026 08:31", "SRTED/NRQRD/PO"),
    )

    assert [event.code for event in found.events] == [
        "ICE/NTDEL/NHOME/ZN",
        "ICE/STORN/NRQRD/DD",
        "ICE/SRTED/NRQRD/PO",
    ]


def test_one_event_is_a_list_of_one_and_leading_zeros_do_not_matter() -> None:
    found = history(("28.03.2026 08:31", "SRTED/NRQRD/PO"), numbers=(TrackingNumber("340999000000000116"),))

    assert [event.occurred_at.isoformat() for event in found.events] == ["2026-03-28T08:31:00+01:00"]


@pytest.mark.parametrize(
    ("code", "status", "effect"),
    [
        ("ICE/DSPSD/DMGED/ZU", "FAILURE", Effect.NONE),  # ZU is "delivery successful"
        ("ICE/DLVRD/CODRP/GT", None, Effect.NONE),  # the money, not the parcel
        ("ICE/DLVRD/ACCPK/ZU", "PICKED_UP", Effect.NONE),
        ("ICE/DLVRD/PCKAD/ZU", "READY_FOR_PICKUP", Effect.NONE),
        ("ICE/SRTED/NRQRD/PO", "OUT_FOR_DELIVERY", Effect.NONE),
        ("ICE/SRTED/NRQRD/ES", "CARRIER_PICKED_UP", Effect.NONE),
        ("ICE/SRTED/NRQRD/NB", "IN_TRANSIT", Effect.NONE),
        ("ICE/EXPHD/RTTSP/BV", "FAILURE", Effect.RETURN),
        ("ICE/NTDEL/RFUSD/ZN", "FAILURE", Effect.NONE),
        ("ICE/OFWRD/RTSCR/AA", "FAILURE", Effect.RETURN),
        ("ICE/OFWRD/RDRCR/AA", "IN_TRANSIT", Effect.NONE),
    ],
)
def test_codes_that_their_event_or_their_ice_alone_would_misread(code: str, status: str | None, effect: Effect) -> None:
    assert (CODES[code].status, CODES[code].effect) == (status, effect)


def test_a_404_makes_no_number_unknown() -> None:
    with pytest.raises(BadPayload):
        read(DHLParcelDE(), Reply((NUMBER,), 404, b'{"status": 404, "title": "Not found"}'))
