"""Credentials placed into calls, and carriers that want none."""

from base64 import b64decode
from datetime import UTC, datetime

import httpx

from carriers.asendia import Asendia
from carriers.lasership import LaserShip
from carriers.ontrac import OnTrac
from carriers.sdk import Call, NoAuth, TrackingNumber, credentials_model
from carriers.sdk.auth import placed
from tracker.auth import carrier_auth, secrets_in_calls

ONE = TrackingNumber("AB123456")


def test_secrets_go_into_path_and_query_each_escaped_as_it_must() -> None:
    call = placed(OnTrac().call([ONE]), {"account": "37/1", "password": "p&w"})

    assert call.path == "/V7/37%2F1/shipments"
    assert call.query["pw"] == "p&w"  # the client encodes a query


def test_user_and_password_in_a_header_are_encoded_as_http_basic() -> None:
    secrets = {"username": "quincy", "password": "ö:secret", "api_key": "key-1"}
    call = placed(Asendia().call([ONE]), secrets)

    scheme, _, encoded = call.headers["Authorization"].partition(" ")
    assert (scheme, b64decode(encoded).decode()) == ("Basic", "quincy:ö:secret")
    assert call.headers["X-AsendiaOne-ApiKey"] == "key-1"


def test_other_headers_take_the_secret_as_it_is() -> None:
    call = Call.get([ONE], "/x", headers={"Authorization": "Token {{key}}", "Accept": "text/xml"})

    assert placed(call, {"key": "s3cret"}).headers == {"Authorization": "Token s3cret", "Accept": "text/xml"}


def test_a_carrier_without_credentials_is_asked_as_it_stands() -> None:
    info = LaserShip.info
    none = credentials_model(info.auth).model_validate({})

    assert isinstance(info.auth, NoAuth)
    assert (info.auth.fields, secrets_in_calls(info.auth, none)) == ((), {})
    auth = carrier_auth(info.auth, none, info.production, lambda: datetime(2026, 3, 2, tzinfo=UTC), info.name)
    assert type(auth) is httpx.Auth  # adds nothing
