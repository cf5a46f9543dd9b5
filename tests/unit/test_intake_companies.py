"""Which carrier is meant by a company's name, or by a number without one."""

from collections.abc import Mapping

import pytest

from carriers.sdk.auth import ApiKey
from carriers.sdk.carrier import Info
from carriers.sdk.numbers import TrackingNumber, tracking_number
from tracker.intake import Companies


def info(code: str, name: str, *names: str) -> Info:
    return Info(code, name, "", ApiKey("Key"), "https://api.example", None, "https://t.example/{number}", names=names)


def carrier_of(company: str, number: TrackingNumber, known: Mapping[str, Info]) -> str:
    return Companies(known).carrier_of(company, number)


FEW = {
    one.code: one
    for one in (
        info("fedex", "FedEx", "Federal Express", "FedEx 2Day"),
        info("ups", "UPS", "United Parcel Service"),
        info("usps", "USPS", "US Postal Service"),
        info("dhl", "DHL", "DHL Express", "DHL Parcel"),
        info("canada_post", "Canada Post", "Postes Canada"),
        info("gls", "GLS"),
    )
}
MORE = FEW | {"dhl_express": info("dhl_express", "DHL Express", "DHL Express Worldwide")}
UPS_NUMBER = "1Z999AA10123456784"


@pytest.mark.parametrize(
    ("company", "code"),
    [
        ("FedEx", "fedex"),
        ("FEDEX®", "fedex"),
        ("Fed-Ex", "fedex"),
        ("FedEx 2Day Saver", "fedex"),
        ("Federal Express, Inc.", "fedex"),
        ("U.P.S.", "ups"),
        ("UPS Ground Saver", "ups"),
        ("Upsilon Freight", ""),
        ("USPS Media Mail", "usps"),
        ("canada_post", "canada_post"),
        ("CanadaPost", "canada_post"),
        ("Postes Çanada", "canada_post"),
        ("DHL eCommerce", "dhl"),
        ("Correos", ""),
        ("The UPS Store", ""),
    ],
)
def test_by_name(company: str, code: str) -> None:
    assert carrier_of(company, tracking_number(UPS_NUMBER if code != "ups" else "794644790132"), FEW) == code


def test_dhl_express_has_its_own_carrier_where_it_is_known() -> None:
    number = tracking_number("1234567890")
    assert carrier_of("DHL Express", number, FEW) == "dhl"
    assert carrier_of("DHL Express (Europe)", number, MORE) == "dhl_express"
    assert carrier_of("DHL Express", number, dict(reversed(MORE.items()))) == "dhl_express"
    assert carrier_of("DHL", number, MORE) == "dhl"


def test_a_carrier_with_an_account_goes_before_one_without() -> None:
    number = tracking_number("1234567890")
    for known in (MORE, dict(reversed(MORE.items()))):
        for configured, code in (
            (("dhl",), "dhl"),
            (("dhl_express",), "dhl_express"),
            (("dhl", "dhl_express"), "dhl_express"),
            (("ups",), "dhl_express"),
        ):
            assert Companies(known, configured).carrier_of("DHL Express", number) == code
    assert Companies(MORE, ["dhl_express"]).carrier_of("DHL", number) == "dhl"


def test_a_number_goes_to_the_carrier_with_an_account_among_the_sure_ones() -> None:
    number = tracking_number("JJD01234567890123456")
    assert Companies(MORE).carrier_of("", number) == "dhl"
    assert Companies(MORE, ["dhl_express"]).carrier_of("", number) in ("dhl", "dhl_express")


@pytest.mark.parametrize("company", ["", "  ", "Other", "custom", "N/A", "Unknown"])
def test_by_number_where_no_company_is_named(company: str) -> None:
    assert carrier_of(company, tracking_number(UPS_NUMBER), FEW) == "ups"
    assert carrier_of(company, tracking_number("ZZZZ1"), FEW) == ""


def test_a_number_that_fits_an_unknown_carrier_stays_unknown() -> None:
    assert carrier_of("", tracking_number(UPS_NUMBER), {"fedex": FEW["fedex"]}) == ""


def test_a_number_of_a_weak_form_stays_unknown() -> None:
    assert carrier_of("", tracking_number("79464479013"), FEW) == ""
