"""What a token endpoint may answer without a parcel being blamed or the process stopped."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from carriers.sdk import OAuth2, Unavailable, credentials_model
from tracker.auth import BearerGrant, TokenAuth, carrier_auth, token_url

START = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Times:
    """A clock that is told the time, and the tokens asked for."""

    def __init__(self) -> None:
        self.now = START
        self.tokens = 0


def send(answer: httpx.Response, times: Times) -> Callable[[], httpx.Response]:
    """One request after the other through the auth; each token request gets this answer."""

    def handle(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/token":
            times.tokens += 1
            return httpx.Response(answer.status_code, content=answer.content)
        return httpx.Response(200)

    grant = BearerGrant(lambda: httpx.Request("POST", "https://acme.example/token"))
    auth = TokenAuth(grant, lambda: times.now, "Acme")

    async def get() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.MockTransport(handle), auth=auth) as client:
            return await client.get("https://acme.example/track")

    return lambda: asyncio.run(get())


@pytest.mark.parametrize("body", [b"<html>hotel wifi</html>", b"[]", b"{}", b'{"access_token": null}', b""])
def test_no_token_is_the_accounts_trouble(body: bytes) -> None:
    with pytest.raises(Unavailable, match="Acme"):
        send(httpx.Response(200, content=body), Times())()


@pytest.mark.parametrize("life", ["Infinity", "NaN", "1e300", -1, None, [], "an hour"])
def test_an_unlikely_life_counts_as_an_hour(life: object) -> None:
    times = Times()
    get = send(httpx.Response(200, json={"access_token": "t", "expires_in": life}), times)
    get()
    times.now += timedelta(minutes=58)
    get()
    assert times.tokens == 1
    times.now += timedelta(minutes=2)
    get()
    assert times.tokens == 2


def test_a_token_path_may_be_another_host() -> None:
    assert token_url(OAuth2("/token"), "https://acme.example") == "https://acme.example/token"
    assert token_url(OAuth2("https://id.example/token"), "https://acme.example") == "https://id.example/token"


def test_a_user_s_password_is_a_grant_of_its_own() -> None:
    scheme = OAuth2("https://id.example/token", user_field="username", password_field="password")
    fields = {"client_id": "app", "client_secret": "s", "username": "shop", "password": "p&w"}
    auth = carrier_auth(scheme, credentials_model(scheme)(**fields), "https://acme.example", lambda: START, "Acme")
    asked: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={"access_token": "t"})

    async def get() -> None:
        async with httpx.AsyncClient(transport=httpx.MockTransport(handle), auth=auth) as client:
            await client.get("https://acme.example/track")

    asyncio.run(get())
    token, track = asked
    assert dict(httpx.QueryParams(token.content.decode())) == {"grant_type": "password", **fields}
    assert track.headers["Authorization"] == "Bearer t"
