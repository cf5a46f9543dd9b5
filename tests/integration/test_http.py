"""Calls over real connections: retry, auth, pacing, transport; against a server on loopback that answers as told."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import wraps
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

import httpx
import pytest
import stamina
import xmltodict

from carriers.sdk.auth import ApiKey, Auth, Basic, InRequest, Login, OAuth2, credentials_model
from carriers.sdk.carrier import Quota
from carriers.sdk.errors import AuthFailed, RateLimited, Unavailable
from carriers.sdk.exchange import Call, segment
from tracker.auth import HeaderAuth, TokenAuth, carrier_auth, order_protection_auth, secrets_in_calls
from tracker.budget import Budget, QuotaSpent
from tracker.clock import Clock
from tracker.config import OrderProtection
from tracker.http import ATTEMPTS, CarrierClient
from tracker.store import quotas
from tracker.store.database import Database
from tracker.store.writer import Writer

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
OAUTH = OAuth2("/oauth/token")


class Received(NamedTuple):
    """A request as it came over the wire."""

    line: str
    headers: dict[str, str]
    body: str

    @property
    def path(self) -> str:
        return self.line.split(" ")[1]


class Answer(NamedTuple):
    """What the server says; status 0 hangs up without a word."""

    status: int
    body: str = "{}"
    headers: dict[str, str] = {}  # noqa: RUF012 - never changed


class Server:
    """A server that keeps what it got and answers by `answer`."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.answer: Callable[[Received], Answer] = lambda request: Answer(200)
        self.url = ""
        self.tokens = 0
        self.held: dict[str, asyncio.Event] = {}
        """Paths that are answered only after an event."""

    def token(self, request: Received) -> Answer:
        """A new token, each one different."""
        self.tokens += 1
        return Answer(200, json.dumps({"access_token": f"token-{self.tokens}", "expires_in": 3600}))

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                line, *fields = head.decode("latin-1").split("\r\n")
                headers = {name.lower(): value.strip() for name, _, value in (f.partition(":") for f in fields if f)}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                request = Received(line, headers, body.decode())
                self.received.append(request)
                await asyncio.sleep(0)  # others get their turn, as on a network
                answer = self.answer(request)
                if request.path in self.held:
                    await self.held[request.path].wait()
                if answer.status == 0:
                    break
                extra = "".join(f"{name}: {value}\r\n" for name, value in answer.headers.items())
                payload = answer.body.encode()
                writer.write(
                    f"HTTP/1.1 {answer.status} X\r\nContent-Length: {len(payload)}\r\n{extra}\r\n".encode() + payload
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionResetError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving() -> AsyncIterator[Server]:
    server = Server()
    listener = await asyncio.start_server(server, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listener.close()
        await listener.wait_closed()


@asynccontextmanager
async def client_of(server: Server, auth: httpx.Auth | None = None, **options: Any) -> AsyncIterator[CarrierClient]:
    settings: dict[str, Any] = {"timeout": 5.0, "connections": 8} | options
    client = CarrierClient(server.url, auth=auth or HeaderAuth("Key", "k"), **settings)
    try:
        yield client
    finally:
        await client.close()


def async_test(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Runs a coroutine function as a test."""

    @wraps(test)
    def run(*arguments: Any, **named: Any) -> None:
        asyncio.run(test(*arguments, **named))

    return run


@pytest.fixture
def impatient() -> Iterator[None]:
    """Retries without the pauses between them."""
    with stamina.set_testing(True, attempts=ATTEMPTS, cap=True):
        yield


class Time:
    """What time it is, as told."""

    def __init__(self) -> None:
        self.time = START

    def __call__(self) -> datetime:
        return self.time


def bearer(server: Server, now: Callable[[], datetime], scheme: Auth = OAUTH) -> httpx.Auth:
    assert isinstance(scheme, OAuth2)
    secrets = dict.fromkeys(scheme.fields, "s3cret")
    credentials = credentials_model(scheme).model_validate(secrets)
    return carrier_auth(scheme, credentials, server.url, now, "Acme")


GET = Call.get((), "/track")


@async_test
async def test_twenty_requests_at_once_cost_one_token_call() -> None:
    async with serving() as server:
        server.answer = lambda request: server.token(request) if "/oauth" in request.path else Answer(200)
        async with client_of(server, bearer(server, Time())) as client:
            replies = await asyncio.gather(*(client.send(GET) for _ in range(20)))
            assert {reply.status for reply in replies} == {200}
            assert server.tokens == 1
            assert {r.headers.get("authorization") for r in server.received if r.path == "/track"} == {"Bearer token-1"}


@async_test
async def test_a_refused_token_is_renewed_once_for_all_and_each_request_tried_once_more() -> None:
    async with serving() as server:
        refused = {"Bearer token-1"}

        def answer(request: Received) -> Answer:
            if "/oauth" in request.path:
                return server.token(request)
            return Answer(401 if request.headers["authorization"] in refused else 200)

        server.answer = answer
        async with client_of(server, bearer(server, Time())) as client:
            replies = await asyncio.gather(*(client.send(GET) for _ in range(20)))
            assert {reply.status for reply in replies} == {200}
            assert server.tokens == 2
            assert sum(request.path == "/track" for request in server.received) <= 40

            server.received.clear()
            refused |= {"Bearer token-2", "Bearer token-3"}
            assert (await client.send(GET)).status == 401, "a refusal that stands is handed on"
            assert [request.path for request in server.received] == ["/track", "/oauth/token", "/track"]


@async_test
async def test_a_late_refusal_of_the_old_token_does_not_cost_the_new_one() -> None:
    async with serving() as server:

        def answer(request: Received) -> Answer:
            if "/oauth" in request.path:
                return server.token(request)
            return Answer(401 if request.headers["authorization"] == "Bearer token-1" else 200)

        server.answer = answer
        server.held["/late"] = asyncio.Event()
        async with client_of(server, bearer(server, Time())) as client:
            late = asyncio.create_task(client.send(Call.get((), "/late")))
            while not any(request.path == "/late" for request in server.received):  # noqa: ASYNC110 - it tells no event
                await asyncio.sleep(0.001)
            assert (await client.send(GET)).status == 200
            assert server.tokens == 2
            server.held["/late"].set()
            assert (await late).status == 200
            assert server.tokens == 2


@async_test
async def test_a_token_is_renewed_before_it_ends() -> None:
    async with serving() as server:
        server.answer = lambda request: server.token(request) if "/oauth" in request.path else Answer(200)
        now = Time()
        async with client_of(server, bearer(server, now)) as client:
            await client.send(GET)
            now.time += timedelta(seconds=3500)
            await client.send(GET)
            assert server.tokens == 1
            now.time += timedelta(seconds=60)
            await client.send(GET)
            assert server.tokens == 2


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(401), AuthFailed),
        (Answer(400, '{"error": "invalid_client"}'), AuthFailed),
        (Answer(404), AuthFailed),
        (Answer(429), RateLimited),
    ],
)
@async_test
async def test_a_token_that_is_not_had_says_whose_trouble_it_is(answer: Answer, error: type[Exception]) -> None:
    async with serving() as server:
        server.answer = lambda request: answer
        async with client_of(server, bearer(server, Time())) as client:
            with pytest.raises(error) as raised:
                await client.send(GET)
            assert "s3cret" not in str(raised.value)
            assert [request.path for request in server.received] == ["/oauth/token"]
            server.answer = lambda request: server.token(request) if "/oauth" in request.path else Answer(200)
            assert (await client.send(GET)).status == 200, "the lock was not given back"


@pytest.mark.parametrize(
    ("sends", "authorization", "fields"),
    [
        ("form", None, {"client_id=s3cret", "client_secret=s3cret", "grant_type=client_credentials"}),
        ("basic", "Basic czNjcmV0OnMzY3JldA==", {"grant_type=client_credentials"}),
        ("json", None, None),
    ],
)
@async_test
async def test_grants_travel_as_the_carrier_wants_them(
    sends: Any, authorization: str | None, fields: set[str] | None
) -> None:
    async with serving() as server:
        server.answer = lambda request: server.token(request) if "/oauth" in request.path else Answer(200)
        scheme = OAuth2("/oauth/token", sends=sends)
        async with client_of(server, bearer(server, Time(), scheme)) as client:
            await client.send(GET)
        grant = server.received[0]
        assert grant.headers.get("authorization") == authorization
        if fields is not None:
            assert set(grant.body.split("&")) == fields
        else:
            assert json.loads(grant.body) == {
                "grant_type": "client_credentials",
                "client_id": "s3cret",
                "client_secret": "s3cret",
            }


@async_test
async def test_keys_and_passwords_go_into_their_headers() -> None:
    async with serving() as server:
        for scheme in (ApiKey("DHL-API-Key"), Basic()):
            credentials = credentials_model(scheme).model_validate(dict.fromkeys(scheme.fields, "s3cret"))
            auth = carrier_auth(scheme, credentials, server.url, Time(), "Acme")
            async with client_of(server, auth) as client:
                await client.send(GET)
        assert server.received[0].headers["dhl-api-key"] == "s3cret"
        assert server.received[1].headers["authorization"] == "Basic czNjcmV0OnMzY3JldA=="


@async_test
async def test_a_user_without_a_password_is_a_key() -> None:
    async with serving() as server:
        scheme = Basic(user_field="api_key", password_field="")
        credentials = credentials_model(scheme).model_validate({"api_key": "s3cret"})
        async with client_of(server, carrier_auth(scheme, credentials, server.url, Time(), "Acme")) as client:
            await client.send(GET)
        assert server.received[0].headers["authorization"] == "Basic czNjcmV0Og=="


@async_test
async def test_a_refresh_token_is_granted_by_and_the_token_goes_into_a_header_of_its_own() -> None:
    async with serving() as server:
        server.answer = lambda request: server.token(request) if "/oauth" in request.path else Answer(200)
        scheme = OAuth2("/oauth/token", refresh_field="refresh_token", scope="tracking", header="X-Access-Token")
        async with client_of(server, bearer(server, Time(), scheme)) as client:
            await client.send(GET)
        grant, asked = server.received
        assert set(grant.body.split("&")) >= {"grant_type=refresh_token", "refresh_token=s3cret", "scope=tracking"}
        assert asked.headers["x-access-token"].startswith("token")
        assert "authorization" not in asked.headers


SECRET = """a"b<c>&d/e?f g"""


@pytest.mark.parametrize(
    ("call", "place"),
    [
        (Call.get((), "/track/{{key}}"), "path"),
        (Call.get((), "/track", query={"key": "{{key}}", "id": ("1", "2")}), "path"),
        (Call.get((), "/track", headers={"X-Key": "{{key}}"}), "headers"),
        (Call.post_json((), "/track", {"login": {"password": "{{key}}"}}), "body"),
        (Call.post_xml((), "/track", "<login><password>{{key}}</password></login>"), "body"),
        (Call((), "POST", "/track", body=b"password={{key}}&n=1"), "body"),
    ],
)
@async_test
async def test_credentials_inside_a_request_are_escaped_as_their_place_demands(call: Call, place: str) -> None:
    scheme = InRequest(("key",))
    credentials = credentials_model(scheme).model_validate({"key": SECRET})
    async with serving() as server:
        auth = carrier_auth(scheme, credentials, server.url, Time(), "Acme")
        async with client_of(server, auth, secrets=secrets_in_calls(scheme, credentials)) as client:
            await client.send(call)
        received = server.received[0]
        found = {
            "path": unquote_plus(received.path),
            "headers": received.headers.get("x-key", ""),
            "body": _read_body(received.body),
        }[place]
        assert SECRET in found
        assert "{{" not in received.path + received.body


def _read_body(body: str) -> str:
    if body.startswith("{"):
        return str(json.loads(body)["login"]["password"])
    if body.startswith("<"):
        return str(xmltodict.parse(body)["login"]["password"])
    return unquote_plus(body)


LOGIN = Login(
    Call.post_xml((), "/login", "<login><user>{{user}}</user><password>{{password}}</password></login>"),
    ("user", "password"),
    token="authToken",
    hours=12,
    refused="TOKEN_EXPIRED",
)


@async_test
async def test_a_login_trades_credentials_for_a_token_that_calls_carry() -> None:
    credentials = credentials_model(LOGIN).model_validate({"user": "u&me", "password": "s3cret"})
    clock, logins = Time(), iter(("first", "second", "third"))

    def answer(request: Received) -> Answer:
        if request.path == "/login":
            return Answer(200, f"<n:r xmlns:n='urn:x'><n:authToken>{next(logins)}</n:authToken></n:r>")
        return Answer(500, "<fault>TOKEN_EXPIRED</fault>") if "first" in request.body else Answer(200, "<ok/>")

    call = Call.post_xml((), "/track", "<track><token>{{token}}</token></track>")
    async with serving() as server:
        server.answer = answer
        async with client_of(server, carrier_auth(LOGIN, credentials, server.url, clock, "Acme")) as client:
            assert (await client.send(call)).status == 200
            assert (await client.send(call)).status == 200
            clock.time += timedelta(hours=13)
            assert (await client.send(call)).status == 200
        bodies = [request.body for request in server.received]
        assert bodies[0] == "<login><user>u&amp;me</user><password>s3cret</password></login>"
        tokens = [word for body in bodies for word in ("first", "second", "third") if f"<token>{word}" in body]
        assert tokens == ["first", "second", "second", "third"], "refused once, a new token; reused; renewed in time"


@async_test
async def test_a_login_that_is_refused_is_a_matter_of_the_credentials_whatever_its_http_status() -> None:
    credentials = credentials_model(LOGIN).model_validate({"user": "me", "password": "wrong"})
    async with serving() as server:
        server.answer = lambda request: Answer(500, "<fault>TOKEN_EXPIRED</fault>")
        async with client_of(server, carrier_auth(LOGIN, credentials, server.url, Time(), "Acme")) as client:
            with pytest.raises(AuthFailed, match="Acme"):
                await client.send(Call.post_xml((), "/track", "<track>{{token}}</track>"))
        assert len(server.received) == 1, "log-ins are few; a refused one is not tried again"


@async_test
async def test_a_grant_may_name_an_audience_and_calls_a_key_beside_the_token() -> None:
    scheme = OAuth2("/oauth/token", audience="tracking", in_request=("api_key",))
    credentials = credentials_model(scheme).model_validate(dict.fromkeys(scheme.fields, "s3cret"))
    async with serving() as server:
        server.answer = lambda request: server.token(request) if "/oauth" in request.path else Answer(200)
        auth = carrier_auth(scheme, credentials, server.url, Time(), "Acme")
        async with client_of(server, auth, secrets=secrets_in_calls(scheme, credentials)) as client:
            await client.send(Call.get((), "/track", headers={"apikey": "{{api_key}}"}))
        grant, asked = server.received
        assert "audience=tracking" in grant.body
        assert "api_key" not in grant.body
        assert asked.headers["apikey"] == "s3cret"
        assert asked.headers["authorization"] == "Bearer token-1"


@async_test
async def test_order_protections_two_ways_in() -> None:
    async with serving() as server:
        server.answer = lambda request: server.token(request) if "/oauth" in request.path else Answer(200)
        fixed = OrderProtection.model_validate({"url": server.url, "token": "op-1"})
        granted = OrderProtection.model_validate(
            {"url": server.url, "client_id": "me", "client_secret": "s3cret", "store_id": "7"}
        )
        for settings in (fixed, granted):
            async with client_of(server, order_protection_auth(settings, Time())) as client:
                await client.send(GET)
        first, grant, second = server.received
        assert first.headers["authorization"] == "Bearer op-1"
        assert (grant.path, second.headers["authorization"]) == ("/v1/oauth/token", "Bearer token-1")
        assert json.loads(grant.body) == {
            "grant_type": "client_credentials",
            "client_id": "me",
            "client_secret": "s3cret",
            "store_id": "7",
            "scopes": ["read_orders", "write_orders"],
        }


@async_test
async def test_a_hiccup_is_retried_within_the_call() -> None:
    async with serving() as server:
        answers = iter([Answer(0), Answer(502), Answer(200, '{"ok": 1}')])
        server.answer = lambda request: next(answers)
        async with client_of(server) as client:
            reply = await client.send(GET)
        assert (reply.status, reply.json()) == (200, {"ok": 1})
        assert len(server.received) == 3


@async_test
async def test_an_outage_is_handed_on_after_a_few_tries() -> None:
    async with serving() as server:
        server.answer = lambda request: Answer(503)
        async with client_of(server) as client:
            assert (await client.send(GET)).status == 503
            assert len(server.received) == ATTEMPTS
            server.answer = lambda request: Answer(0)
            with pytest.raises(Unavailable, match="no answer"):
                await client.send(GET)


@pytest.mark.parametrize(
    ("statuses", "tries"),
    [
        ((503, 200), 2),
        ((0, 200), 2),
        ((0, 503, 200), 3),
        ((500, 404), 2),
        ((502, 429), 2),
        ((0, 0, 503), 3),
        ((503, 0, 500), 3),
    ],
)
@pytest.mark.usefixtures("impatient")
@async_test
async def test_a_call_is_tried_again_until_an_answer_that_settles_it(statuses: tuple[int, ...], tries: int) -> None:
    async with serving() as server:
        answers = iter([*map(Answer, statuses), Answer(200), Answer(200)])
        server.answer = lambda request: next(answers)
        turns = Turns(9)
        async with client_of(server, turns=turns) as client:
            assert (await client.send(GET)).status == statuses[-1]
        assert (len(server.received), turns.calls, 9 - turns.left) == (tries, tries, tries)


@pytest.mark.parametrize("statuses", [(0, 0, 0), (503, 500, 0), (0, 503, 0)])
@pytest.mark.usefixtures("impatient")
@async_test
async def test_no_answer_in_the_end_is_an_outage(statuses: tuple[int, ...]) -> None:
    async with serving() as server:
        answers = iter([*map(Answer, statuses), Answer(200)])
        server.answer = lambda request: next(answers)
        turns = Turns(9)
        async with client_of(server, turns=turns) as client:
            with pytest.raises(Unavailable, match="no answer"):
                await client.send(GET)
        assert (len(server.received), turns.calls) == (ATTEMPTS, ATTEMPTS)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 429])
@async_test
async def test_an_answer_that_is_the_callers_trouble_is_never_asked_for_again(status: int) -> None:
    async with serving() as server:
        server.answer = lambda request: Answer(status)
        async with client_of(server) as client:
            assert (await client.send(GET)).status == status
        assert len(server.received) == 1


@pytest.mark.usefixtures("impatient")
@async_test
async def test_a_long_wait_told_by_a_retry_ends_the_trying() -> None:
    async with serving() as server:
        answers = iter([Answer(503), Answer(503, headers={"Retry-After": "3600"}), Answer(200)])
        server.answer = lambda request: next(answers)
        async with client_of(server) as client:
            reply = await client.send(GET)
        assert (reply.status, reply.retry_after, len(server.received)) == (503, 3600, 2)


@pytest.mark.parametrize("counts_tokens", [True, False])
@pytest.mark.usefixtures("impatient")
@async_test
async def test_the_budget_counts_the_requests_that_were_made(counts_tokens: bool) -> None:
    with TemporaryDirectory() as folder:
        database = Database(Path(folder) / "tracker.db")
        database.migrate()
        writer = Writer(database)
        budget = Budget("acme", "acme", Quota(per_day=100), Clock(), writer)
        with database.write() as tx:
            budget.open(tx)
        async with serving() as server:
            answers = iter(map(Answer, (503, 200, 401, 200, 0, 0, 0, 404)))

            def answer(request: Received) -> Answer:
                return server.token(request) if "/oauth" in request.path else next(answers)

            server.answer = answer
            free_url = None if counts_tokens else f"{server.url}/oauth/token"
            async with client_of(server, bearer(server, Time()), turns=budget, free_url=free_url) as client:
                assert [(await client.send(GET)).status for _ in range(2)] == [200, 200]
                with pytest.raises(Unavailable):
                    await client.send(GET)
                assert (await client.send(GET)).status == 404
            asked = [request.path for request in server.received]
        settle = budget.settlement(unused=True)
        with database.write() as tx:
            settle(tx, Clock().now())
            counted = quotas.used(tx, "acme", 86400, Clock().now())
        assert (asked.count("/track"), asked.count("/oauth/token")) == (8, 2)
        assert counted == (10 if counts_tokens else 8)
        writer.close()
        database.close()


@pytest.mark.parametrize(
    ("status", "wait", "speed", "tries"),
    [
        (503, "1", 1.0, 2),
        (503, "3600", 1.0, 1),
        (503, "3600", 3600.0, 2),  # an hour of a clock that runs so fast is a second
        (429, "1", 1.0, 1),  # a spent quota is for the account to wait for
        (400, "1", 1.0, 1),
        (404, "", 1.0, 1),
    ],
)
@async_test
async def test_only_a_short_retry_after_is_waited_for(status: int, wait: str, speed: float, tries: int) -> None:
    async with serving() as server:
        answers = iter([Answer(status, headers={"Retry-After": wait}), Answer(200)])
        server.answer = lambda request: next(answers)
        async with client_of(server, speed=speed) as client:
            began = asyncio.get_running_loop().time()
            reply = await client.send(GET)
            took = asyncio.get_running_loop().time() - began
        assert len(server.received) == tries
        assert reply.status == (200 if tries == 2 else status)
        if tries == 2:
            assert 0.9 <= took < 3.0
        else:
            assert reply.retry_after == (float(wait) if wait else None)


@async_test
async def test_a_carrier_that_never_answers_is_given_up() -> None:
    async with serving() as server:
        silent = asyncio.Event()

        async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await silent.wait()
            writer.close()

        listener = await asyncio.start_server(hold, "127.0.0.1", 0)
        server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        async with client_of(server, timeout=0.05) as client:
            with pytest.raises(Unavailable, match=r"within 0\.05 s"):
                await client.send(GET)
        silent.set()
        listener.close()
        await listener.wait_closed()


class Turns:
    """A budget of so many calls."""

    def __init__(self, left: int) -> None:
        self.left = left
        self.calls = 0

    async def turn(self) -> None:
        if not self.left:
            raise QuotaSpent("none left")
        self.left -= 1

    def made(self, seconds: float) -> None:
        self.calls += 1


@pytest.mark.parametrize(("free", "counted"), [(True, 2), (False, 3)])
@async_test
async def test_every_request_takes_its_turn_the_token_too_where_it_counts(free: bool, counted: int) -> None:
    async with serving() as server:
        server.answer = lambda request: server.token(request) if "/oauth" in request.path else Answer(200)
        turns = Turns(9)
        free_url = f"{server.url}/oauth/token" if free else None
        async with client_of(server, bearer(server, Time()), turns=turns, free_url=free_url) as client:
            await client.send(GET)
            await client.send(GET)
        assert (9 - turns.left, turns.calls) == (counted, counted)


@async_test
async def test_retries_take_turns_and_stop_where_none_is_left() -> None:
    async with serving() as server:
        server.answer = lambda request: Answer(0)
        turns = Turns(2)
        async with client_of(server, turns=turns) as client:
            with pytest.raises(QuotaSpent) as raised:
                await client.send(GET)
        assert (turns.calls, len(server.received)) == (2, 2)
        assert isinstance(raised.value.__cause__, Unavailable), "what the retry was wanted for is lost"


@pytest.mark.parametrize("odd", ["A/B", "A?B=1", "A#B", "A B", "Ä", "A%2FB", "..%2f..", "A\r\nX: 1", "A;B", "A&B"])
@async_test
async def test_odd_characters_never_reach_a_path_raw(odd: str) -> None:
    async with serving() as server:
        async with client_of(server) as client:
            await client.send(Call.get((), f"/track/{segment(odd)}/events"))
        (request,) = server.received
        assert request.path.count("/") == 3
        assert request.path.startswith("/track/")
        assert request.path.endswith("/events")
        assert not set(request.path) & set("?#; &\r\n")
        assert httpx.URL(f"http://x{request.path}").raw_path.decode() == request.path
        assert "x" not in request.headers


@async_test
async def test_a_redirect_does_not_carry_a_secret_elsewhere() -> None:
    async with serving() as server, serving() as elsewhere:
        server.answer = lambda request: Answer(302, headers={"Location": f"{elsewhere.url}/steal"})
        async with client_of(server) as client:
            assert (await client.send(GET)).status == 302
        assert elsewhere.received == []


@async_test
async def test_asking_for_a_token_alone() -> None:
    async with serving() as server:
        server.answer = server.token
        auth = bearer(server, Time())
        assert isinstance(auth, TokenAuth)
        async with client_of(server, auth) as client:
            await client.authenticate()
            assert server.tokens == 1
            server.answer = lambda request: Answer(401)
            with pytest.raises(AuthFailed):
                await client.authenticate()
            server.answer = lambda request: Answer(0)
            with pytest.raises(Unavailable):
                await client.authenticate()
