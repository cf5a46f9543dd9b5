"""Amazon Shipping's own rules: its regions, and how an account lets one in."""

import pytest

from carriers.amazon import Amazon, AmazonOptions
from carriers.sdk import Effect, OAuth2, tracking_number

NUMBER = tracking_number("TBA314159265358")


@pytest.mark.parametrize("region", ["na", "eu", "fe"])
def test_the_region_decides_where_to_ask(region: str) -> None:
    info = Amazon(AmazonOptions.model_validate({"region": region})).info
    assert info.production == f"https://sellingpartnerapi-{region}.amazon.com"
    assert info.sandbox == f"https://sandbox.sellingpartnerapi-{region}.amazon.com"


def test_a_refresh_token_lets_one_in() -> None:
    auth = Amazon.info.auth
    assert isinstance(auth, OAuth2)
    assert auth.fields == ("client_id", "client_secret", "refresh_token")
    assert auth.header == "x-amz-access-token"


def test_the_business_is_told_where_there_is_one() -> None:
    assert Amazon().call([NUMBER]).headers == {}
    call = Amazon(AmazonOptions(carrier_id="AMZN_UK", business_id="AmazonShipping_UK")).call([NUMBER])
    assert call.query == {"trackingId": NUMBER, "carrierId": "AMZN_UK"}
    assert call.headers == {"x-amzn-shipping-business-id": "AmazonShipping_UK"}


def test_whatever_happens_on_the_way_back_is_a_return() -> None:
    back = {code: meaning for code, meaning in Amazon.codes.items() if code.startswith("RETURNS/")}
    assert back["RETURNS/DELIVERED"].effect is Effect.RETURN
    assert all(meaning.effect is Effect.RETURN for meaning in back.values() if meaning.status is not None)
