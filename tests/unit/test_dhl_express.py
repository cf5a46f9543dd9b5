"""DHL Express: its two calls, and service areas as places."""

import orjson
import pytest

from carriers.dhl_express import DHLExpress
from carriers.sdk import BadPayload, Place, Reply, TrackingNumber, ZoneSource, read

NUMBER = TrackingNumber("9990000055")


def test_one_waybill_can_ask_for_offsets_and_several_repeat_the_parameter() -> None:
    other = TrackingNumber("9990000066")

    one, several = DHLExpress().call([NUMBER]), DHLExpress().call([NUMBER, other])

    assert one.path == "/shipments/9990000055/tracking"
    assert one.query["requestGMTOffsetPerEvent"] == "true"
    assert several.path == "/tracking"
    assert several.query["shipmentTrackingNumber"] == (NUMBER, other)


@pytest.mark.parametrize(
    ("area", "place"),
    [
        ("SYDNEY-AU", Place(city="SYDNEY", country="AU")),
        ("CINCINNATI HUB,OH-USA", Place(city="CINCINNATI HUB", state="OH", country="US")),
        ("EAST MIDLANDS - UK", Place(city="EAST MIDLANDS", country="GB")),
        ("WILKES-BARRE", Place(city="WILKES-BARRE")),
        ("AIX-EN-PROVENCE-FRANCE", Place(city="AIX-EN-PROVENCE", country="FR")),
        ("", None),
    ],
)
def test_service_area(area: str, place: Place | None) -> None:
    scan = {"date": "2026-03-25", "time": "07:44:00", "typeCode": "AF", "serviceArea": [{"description": area}]}
    body = orjson.dumps({"shipments": [{"shipmentTrackingNumber": NUMBER, "status": "Success", "events": [scan]}]})

    (report,) = read(DHLExpress(), Reply((NUMBER,), 200, body))

    assert report.shipments[0].events[0].place == place


def test_an_offset_out_of_this_world_leaves_the_place_to_decide() -> None:
    scan = {
        "date": "2026-03-25",
        "time": "07:44:00",
        "GMTOffset": "local",
        "typeCode": "AF",
        "serviceArea": [{"description": "TOKYO-JP"}],
    }
    body = orjson.dumps({"shipments": [{"shipmentTrackingNumber": NUMBER, "status": "Success", "events": [scan]}]})

    (report,) = read(DHLExpress(), Reply((NUMBER,), 200, body))
    event = report.shipments[0].events[0]

    assert (event.occurred_at.isoformat(), event.zone) == ("2026-03-25T07:44:00+09:00", ZoneSource.ASSUMED)


def test_a_gateways_404_makes_no_number_unknown() -> None:
    with pytest.raises(BadPayload):
        read(DHLExpress(), Reply((NUMBER,), 404, b"<html>no such page</html>"))
