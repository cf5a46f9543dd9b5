"""DPD's own rules: hosts and log-in by the account's company, and dates in any language."""

from xml.etree import ElementTree

import pytest

from carriers.dpd import DPD, DPDOptions
from carriers.sdk import Login, Reply, tracking_number
from carriers.sdk.recorded import answer

NUMBER = tracking_number("05308899410058")


@pytest.mark.parametrize(
    ("network", "host", "path"),
    [
        ("de", "https://public-ws.dpd.com", "/services/ParcelLifeCycleService/V2_0/"),
        ("nl", "https://wsshipper.dpd.nl", "/soap/services/ParcelLifeCycleServiceV20/"),
        ("be", "https://wsshipper.dpd.be", "/soap/services/ParcelLifeCycleServiceV20/"),
    ],
)
def test_the_network_decides_where_to_ask(network: str, host: str, path: str) -> None:
    carrier = DPD(DPDOptions.model_validate({"network": network}))
    assert carrier.info.production == host
    assert carrier.call([NUMBER]).path == path


def test_the_log_in_is_the_accounts_own() -> None:
    auth = DPD(DPDOptions(delis_id="A<B", network="be", language="fr_BE")).info.auth
    assert isinstance(auth, Login)
    assert auth.fields == ("password",)
    assert auth.call.path == "/soap/services/LoginServiceV21/"
    told = {element.tag: element.text for element in ElementTree.fromstring(auth.call.body or b"").iter()}  # noqa: S314
    assert (told["delisId"], told["password"], told["messageLanguage"]) == ("A<B", "{{password}}", "fr_BE")


def test_a_tracking_call_leaves_room_for_the_token() -> None:
    assert b"<authToken>{{token}}</authToken>" in (DPD().call([NUMBER]).body or b"")


@pytest.mark.parametrize(
    ("language", "stated", "expected"),
    [
        ("en_EN", "8/7/2026 7:11:26 PM", "2026-08-07T19:11:26+02:00"),
        ("en_EN", "8/7/2026 12:05:00 AM", "2026-08-07T00:05:00+02:00"),
        ("en_EN", "8/7/2026 12:05 PM", "2026-08-07T12:05:00+02:00"),
        ("en_EN", "8/7/2026 19:11", "2026-08-07T19:11:00+02:00"),
        ("en_EN", "17/8/2026 19:11", "2026-08-17T19:11:00+02:00"),
        ("fr_BE", "07/08/2026 19:11:26", "2026-08-07T19:11:26+02:00"),
        ("nl_NL", "7-8-2026 19:11:26", "2026-08-07T19:11:26+02:00"),
        ("de_DE", "07.08.2026, 19:11", "2026-08-07T19:11:00+02:00"),
        ("de_DE", "07.01.2026 19:11:00", "2026-01-07T19:11:00+01:00"),
        ("en_EN", "2026-08-07T19:11:26", "2026-08-07T19:11:26+02:00"),
        ("en_EN", "99/99/2026 19:11", None),
        ("en_EN", "yesterday", None),
    ],
)
def test_dates(language: str, stated: str, expected: str | None) -> None:
    info = (
        f"<statusInfo><status>Depot</status><statusHasBeenReached>true</statusHasBeenReached>"
        f"<date><content>{stated}</content></date></statusInfo>"
    )
    body = (
        "<e:Envelope xmlns:e='urn:e'><e:Body><getTrackingDataResponse><trackingresult>"
        f"{info}</trackingresult></getTrackingDataResponse></e:Body></e:Envelope>"
    )
    (report,) = answer(DPD(DPDOptions(language=language)), Reply((NUMBER,), 200, body.encode()))
    read_as = [event.occurred_at.isoformat() for found in report.shipments for event in found.events]
    assert read_as == ([expected] if expected else [])
