"""The sandbox over HTTP: each wire format with its errors, quotas, faults, and a strict Order Protection."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any

import httpx
import pytest

from carriers.sdk.status import FulfillmentStatus as S
from tracker.sandbox.journeys import Kind
from tracker.sandbox.parcels import Parcel
from tracker.sandbox.quotas import Limit
from tracker.sandbox.server import build_app, serve
from tracker.sandbox.world import World

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
UPS_HEADERS = {"transId": "a1", "transactionSrc": "tests"}


class FakeClock:
    """A clock that moves when told."""

    speed = 1.0

    def __init__(self) -> None:
        self.time = START

    def now(self) -> datetime:
        return self.time

    def forward(self, **amount: float) -> None:
        self.time += timedelta(**amount)


class Sandbox:
    """A small world behind an HTTP client that has credentials for everything."""

    def __init__(self, parcels: int = 60, **quotas: tuple[Limit, ...]) -> None:
        self.clock = FakeClock()
        self.naps: list[float] = []
        self.world = World(self.clock, parcels=parcels, seed=4, quotas=quotas, sleep=self.nap)
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(build_app(self.world)), base_url="http://sandbox")
        self.tokens: dict[str, str] = {}

    async def nap(self, seconds: float) -> None:
        self.naps.append(seconds)

    async def token(self, service: str, client: str = "me") -> str:
        grant = {"grant_type": "client_credentials", "client_id": client, "client_secret": "s"}
        if service == "ups":
            answer = await self.http.post("/ups/security/v1/oauth/token", data=grant, auth=(client, "s"))
        elif service == "order-protection":
            extra = {"store_id": "1", "scopes": ["read_orders", "write_orders"]}
            answer = await self.http.post("/order-protection/v1/oauth/token", json={**grant, **extra})
        else:
            path = {"fedex": "/fedex/oauth/token", "usps": "/usps/oauth2/v3/token"}[service]
            answer = await self.http.post(path, data=grant)
        answer.raise_for_status()
        token: str = answer.json()["access_token"]
        return token

    async def bearer(self, service: str) -> dict[str, str]:
        if service not in self.tokens:
            self.tokens[service] = await self.token(service)
        return {"Authorization": f"Bearer {self.tokens[service]}"}

    async def fedex(self, *numbers: str, **fields: object) -> httpx.Response:
        asked = [{"trackingNumberInfo": {"trackingNumber": number}} for number in numbers]
        payload = {"includeDetailedScans": True, "trackingInfo": asked, **fields}
        return await self.http.post("/fedex/track/v1/trackingnumbers", json=payload, headers=await self.bearer("fedex"))

    async def ups(self, number: str, headers: dict[str, str] = UPS_HEADERS) -> httpx.Response:
        path = f"/ups/api/track/v1/details/{number}"
        return await self.http.get(path, headers={**await self.bearer("ups"), **headers})

    async def usps(self, *numbers: str) -> httpx.Response:
        payload = [{"trackingNumber": number} for number in numbers]
        return await self.http.post("/usps/tracking/v3r2/tracking", json=payload, headers=await self.bearer("usps"))

    async def dhl(self, number: str, key: str = "key") -> httpx.Response:
        query = {"trackingNumber": number}
        return await self.http.get("/dhl/track/shipments", params=query, headers={"DHL-API-Key": key})

    async def op(self, method: str, path: str, payload: object = None) -> httpx.Response:
        headers = await self.bearer("order-protection")
        return await self.http.request(method, f"/order-protection/v1{path}", json=payload, headers=headers)

    def tell(self, carrier: str, *kinds: Kind) -> Parcel:
        """A parcel with one scan an hour, the last one an hour ago."""
        first = self.clock.now() - timedelta(hours=len(kinds))
        scans = [(kind, first + timedelta(hours=hour)) for hour, kind in enumerate(kinds)]
        return self.world.add_told(carrier, scans).fulfillments[0].parcels[0]


def run(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run an async test to its end."""

    @wraps(test)
    def runner(*arguments: object, **named: object) -> None:
        asyncio.run(test(*arguments, **named))

    return runner


DELIVERED = (Kind.LABEL, Kind.PICKUP, Kind.ARRIVED, Kind.OUT_FOR_DELIVERY, Kind.DELIVERED)


@run
async def test_fedex_answers_a_batch_with_offsets_and_errors_inside_200() -> None:
    sandbox = Sandbox()
    parcel = sandbox.tell("fedex", *DELIVERED)
    answer = await sandbox.fedex(parcel.number, "123456789012", "?")
    assert answer.status_code == 200
    found, unknown, invalid = answer.json()["output"]["completeTrackResults"]
    result = found["trackResults"][0]
    assert result["latestStatusDetail"]["code"] == "DL"
    assert result["scanEvents"][0]["eventType"] == "DL"
    assert len(result["scanEvents"]) == len(DELIVERED)
    assert [datetime.fromisoformat(scan["date"]) for scan in result["scanEvents"]] == [
        scan.at for scan in reversed(parcel.scans)
    ]
    assert unknown["trackResults"][0]["error"]["code"] == "TRACKING.TRACKINGNUMBER.NOTFOUND"
    assert invalid["trackResults"][0]["error"]["code"] == "TRACKING.TRACKINGNUMBER.INVALID"
    short = await sandbox.fedex(parcel.number, includeDetailedScans=False)
    assert len(short.json()["output"]["completeTrackResults"][0]["trackResults"][0]["scanEvents"]) == 1


@run
async def test_fedex_refuses_what_it_documents_as_wrong() -> None:
    sandbox = Sandbox()
    too_many = await sandbox.fedex(*["123456789012"] * 31)
    assert too_many.status_code == 400
    assert too_many.json()["errors"][0]["code"] == "TRACKING.TRACKINGNUMBERS.LIMITEXCEEDED"
    assert (await sandbox.fedex()).status_code == 400
    wrong = {"grant_type": "client_credentials", "client_id": "wrong-id", "client_secret": "s"}
    refused = await sandbox.http.post("/fedex/oauth/token", data=wrong)
    assert refused.status_code == 401
    assert refused.json()["errors"][0]["code"] == "NOT.AUTHORIZED.ERROR"


@run
async def test_ups_answers_one_number_with_local_and_gmt_times() -> None:
    sandbox = Sandbox()
    parcel = sandbox.tell("ups", *DELIVERED)
    package = (await sandbox.ups(parcel.number)).json()["trackResponse"]["shipment"][0]["package"][0]
    assert package["currentStatus"]["statusCode"] == "011"
    for activity, scan in zip(package["activity"], reversed(parcel.scans), strict=True):
        assert activity["date"] + activity["time"] == f"{scan.at:%Y%m%d%H%M%S}"
        gmt = datetime.strptime(f"{activity['gmtDate']} {activity['gmtTime']} +0000", "%Y%m%d %H:%M:%S %z")
        assert gmt == scan.at


@run
async def test_ups_says_not_found_in_a_warning_and_wants_its_headers() -> None:
    sandbox = Sandbox()
    shipment = (await sandbox.ups("1Z0000000000000000")).json()["trackResponse"]["shipment"][0]
    assert shipment["warnings"][0]["code"] == "TW0001"
    assert "package" not in shipment
    assert (await sandbox.ups("1Z0000000000000000", headers={})).status_code == 400
    invalid = await sandbox.ups("12")
    assert invalid.json()["response"]["errors"][0]["code"] == "TV1002"


@run
async def test_usps_answers_207_where_a_number_of_the_batch_is_unknown() -> None:
    sandbox = Sandbox()
    parcel = sandbox.tell("usps", *DELIVERED)
    alone = await sandbox.usps(parcel.number)
    assert alone.status_code == 200
    mixed = await sandbox.usps(parcel.number, "9400100000000000000000")
    assert mixed.status_code == 207
    found, unknown = mixed.json()
    assert found["statusCategory"] == "Delivered"
    event = found["trackingEvents"][0]
    assert event["eventTimestamp"] == f"{parcel.scans[-1].at:%Y-%m-%dT%H:%M:%S}"
    assert datetime.fromisoformat(event["GMTTimestamp"]) == parcel.scans[-1].at
    offset = parcel.scans[-1].at.utcoffset()
    assert offset is not None
    assert int(event["GMTOffset"]) == offset.total_seconds() / 60
    assert unknown["error"]["errors"][0]["code"] == "150002"
    assert (await sandbox.usps(*["9400100000000000000000"] * 36)).status_code == 400


@run
async def test_usps_v3_answers_one_number_and_400_for_an_unknown_one() -> None:
    sandbox = Sandbox()
    parcel = sandbox.tell("usps", *DELIVERED)
    headers = await sandbox.bearer("usps")
    detail = await sandbox.http.get(
        f"/usps/tracking/v3/tracking/{parcel.number}", params={"expand": "DETAIL"}, headers=headers
    )
    assert len(detail.json()["trackingEvents"]) == len(DELIVERED)
    unknown = await sandbox.http.get("/usps/tracking/v3/tracking/9400100000000000000000", headers=headers)
    assert unknown.status_code == 400
    assert unknown.json()["error"]["errors"][0]["code"] == "150002"


@run
async def test_dhl_answers_each_service_in_its_own_words() -> None:
    sandbox = Sandbox(parcels=200, dhl=())
    sandbox.clock.forward(days=40)
    seen: dict[str, set[bool]] = {}
    for number, parcel in sandbox.world.parcels["dhl"].items():
        answer = await sandbox.dhl(number)
        if not parcel.shown(sandbox.clock.now()):
            assert answer.status_code == 404
            continue
        shipment = answer.json()["shipments"][0]
        assert len(shipment["events"]) == len(parcel.scans)
        aware = {datetime.fromisoformat(event["timestamp"]).tzinfo is not None for event in shipment["events"]}
        seen.setdefault(shipment["service"], set()).update(aware)
    assert seen == {"parcel-de": {False}, "ecommerce-europe": {False}, "express": {True}}


@run
async def test_dhl_refuses_a_wrong_key_and_several_numbers() -> None:
    sandbox = Sandbox(dhl=())
    assert (await sandbox.dhl("1234567890", key="wrong")).status_code == 401
    assert (await sandbox.dhl("1234567890,2234567890")).status_code == 400
    unknown = await sandbox.dhl("1234567890")
    assert unknown.status_code == 404
    assert unknown.json()["title"] == "No result found"


@run
async def test_nothing_is_shown_before_its_time() -> None:
    sandbox = Sandbox(fedex=())
    parcel = max(sandbox.world.parcels["fedex"].values(), key=lambda parcel: len(parcel.scans))
    dates: list[datetime] = []
    for _ in range(60):
        sandbox.clock.forward(hours=6)
        sandbox.tokens.clear()
        result = (await sandbox.fedex(parcel.number)).json()["output"]["completeTrackResults"][0]["trackResults"][0]
        dates = [datetime.fromisoformat(scan["date"]) for scan in result.get("scanEvents", ())]
        assert len(dates) == parcel.shown(sandbox.clock.now())
        assert all(date <= sandbox.clock.now() for date in dates)
    assert len(dates) == len(parcel.scans)


@pytest.mark.parametrize(("service", "hours"), [("fedex", 1), ("ups", 4), ("usps", 8)])
@run
async def test_an_expired_token_is_401_and_a_new_one_works(service: str, hours: int) -> None:
    sandbox = Sandbox()
    asks: dict[str, Callable[..., Coroutine[Any, Any, httpx.Response]]]
    asks = {"fedex": sandbox.fedex, "ups": sandbox.ups, "usps": sandbox.usps}
    ask = asks[service]
    number = next(iter(sandbox.world.parcels[service]))
    assert (await ask(number)).status_code != 401
    sandbox.clock.forward(hours=hours)
    assert (await ask(number)).status_code == 401
    sandbox.tokens.clear()
    assert (await ask(number)).status_code != 401
    await sandbox.http.put("/_sandbox/faults", json={service: {"expire_tokens": True}})
    assert (await ask(number)).status_code == 401


@run
async def test_over_its_quota_a_carrier_answers_429_until_the_window_has_slid() -> None:
    sandbox = Sandbox()
    await sandbox.bearer("usps")
    for _ in range(59):
        assert (await sandbox.usps("9400100000000000000000")).status_code == 207
        sandbox.clock.forward(seconds=1)
    refused = await sandbox.usps("9400100000000000000000")
    assert refused.status_code == 429
    wait = int(refused.headers["Retry-After"])
    assert 3540 <= wait <= 3600
    sandbox.clock.forward(seconds=wait)
    assert (await sandbox.usps("9400100000000000000000")).status_code == 207
    stats = (await sandbox.http.get("/_sandbox/stats")).json()["services"]["usps"]
    assert stats["calls"] == {"token": 1, "track": 61}
    assert stats["overQuota"] == 1
    assert stats["accounts"]["me"]["tokenCalls"] == 1
    assert stats["accounts"]["me"]["windows"] == [{"limit": 60, "seconds": 3600, "most": 61}]


@run
async def test_quotas_are_per_account_and_can_be_set() -> None:
    sandbox = Sandbox(dhl=(Limit(1, 60),))
    assert (await sandbox.dhl("1234567890", key="one")).status_code == 404
    assert (await sandbox.dhl("1234567890", key="one")).status_code == 429
    assert (await sandbox.dhl("1234567890", key="two")).status_code == 404
    with pytest.raises(ValueError, match="yodel"):
        World(sandbox.clock, parcels=0, quotas={"yodel": ()})


@run
async def test_faults_come_and_go() -> None:
    sandbox = Sandbox(dhl=())
    parcel = sandbox.tell("dhl", *DELIVERED)

    async def broken(**fault: object) -> httpx.Response:
        assert (await sandbox.http.put("/_sandbox/faults", json={"dhl": fault})).status_code == 200
        return await sandbox.dhl(parcel.number)

    assert (await broken(down=True)).status_code == 503
    assert (await broken(error_rate=1.0)).status_code == 500
    assert (await broken(rate_limited=True)).status_code == 429
    assert (await broken(not_found_all=True)).status_code == 404
    assert (await broken(html=True)).text.startswith("<!DOCTYPE html>")
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        (await broken(truncated=True)).json()
    assert (await broken(slow=2.5)).status_code == 200
    assert sandbox.naps == [2.5]
    assert (await broken()).status_code == 200


@pytest.mark.parametrize(
    "payload",
    [{"yodel": {}}, {"dhl": {"asleep": True}}, {"dhl": {"slow": True}}, {"dhl": {"down": 1}}, {"dhl": []}, []],
)
@run
async def test_a_bad_fault_is_refused(payload: object) -> None:
    sandbox = Sandbox(parcels=1)
    assert (await sandbox.http.put("/_sandbox/faults", json=payload)).status_code == 400


@run
async def test_the_truth_follows_the_shown_scans() -> None:
    sandbox = Sandbox(parcels=0)
    sandbox.tell("usps", Kind.LABEL, Kind.PICKUP, Kind.RETURNING, Kind.RETURN_SCAN, Kind.RETURNED_TO_SENDER)
    sandbox.tell("fedex", Kind.LABEL, Kind.PICKUP, Kind.NOTICE)
    truth = (await sandbox.http.get("/_sandbox/truth")).json()["fulfillments"]
    assert [entry["status"] for entry in truth] == [S.FAILURE, S.CARRIER_PICKED_UP]
    assert [step["status"] for step in truth[0]["history"]] == [S.CONFIRMED, S.CARRIER_PICKED_UP, S.FAILURE]


@run
async def test_two_worlds_of_one_seed_are_alike_and_their_orders_hold_personal_data_to_drop() -> None:
    first, second = Sandbox(), Sandbox()
    orders = (await first.http.get("/_sandbox/orders")).json()
    assert orders == (await second.http.get("/_sandbox/orders")).json()
    assert all("@" in order["customerEmail"] and order["address"]["address1"] for order in orders)
    numbers = [number for order in orders for entry in order["fulfillments"] for number in entry["trackingNumber"]]
    assert sorted(numbers) == sorted(parcel.number for parcel in first.world.every_parcel())
    assert any(order["sourceOrderId"].startswith("#") for order in orders)
    assert any(len(entry["trackingNumber"]) == 2 for order in orders for entry in order["fulfillments"])
    created = (await first.http.get("/_sandbox/orders", params={"created": "now"})).json()
    assert 0 < len(created) < len(orders)


@run
async def test_parcels_can_be_added() -> None:
    sandbox = Sandbox(parcels=0)
    at = START - timedelta(hours=1)
    scans = [{"kind": "PICKUP", "at": at.isoformat()}]
    told = {"carrier": "ups", "trackingNumber": "1Z999AA10123456784", "scans": scans}
    added = await sandbox.http.post("/_sandbox/parcels", json=told)
    assert added.status_code == 201
    assert added.json()[0]["fulfillments"][0]["trackingNumber"] == ["1Z999AA10123456784"]
    package = (await sandbox.ups("1Z999AA10123456784")).json()["trackResponse"]["shipment"][0]["package"][0]
    assert len(package["activity"]) == 1
    assert (await sandbox.http.post("/_sandbox/parcels", json=told)).status_code == 400
    assert (await sandbox.http.post("/_sandbox/parcels", json={"carrier": "fedex", "count": 5})).status_code == 201
    assert (await sandbox.http.post("/_sandbox/parcels", json={"carrier": "yodel"})).status_code == 400


FULFILLMENT = {
    "sourceItemIds": [{"sourceItemId": "i", "quantity": 1}],
    "fulfillmentStatus": "IN_TRANSIT",
    "sourceFulfillmentId": "f/1",
    "trackingNumber": ["1Z999AA10123456784"],
    "createdAt": "2026-03-02T12:00:00Z",
    "updatedAt": None,
}


async def registered() -> Sandbox:
    sandbox = Sandbox(parcels=0)
    order = {"sourceOrderId": "#5/17 é?", "fulfillments": [{**FULFILLMENT, "fulfillmentStatus": "Fulfilled"}]}
    assert (await sandbox.op("POST", "/orders", order)).status_code == 201
    return sandbox


ORDER = "/orders/%235%2F17%20%C3%A9%3F/fulfillments"


@run
async def test_order_protection_takes_encoded_ids_and_keeps_what_it_was_told() -> None:
    sandbox = await registered()
    listed = await sandbox.op("GET", ORDER)
    assert [(entry["sourceFulfillmentId"], entry["fulfillmentStatus"]) for entry in listed.json()] == [
        ("f/1", "FULFILLED")
    ]
    assert (await sandbox.op("PUT", f"{ORDER}/f%2F1", {"status": "IN_TRANSIT"})).json() == {"status": "ok"}
    sandbox.clock.forward(minutes=20)
    assert (await sandbox.op("PUT", f"{ORDER}/f%2F1", {"status": "DELIVERED"})).status_code == 200
    stats = (await sandbox.http.get("/_sandbox/stats")).json()["orderProtection"]
    assert stats["pushes"] == 2
    assert [step["status"] for step in stats["fulfillments"][0]["history"]] == ["IN_TRANSIT", "DELIVERED"]
    assert (await sandbox.op("GET", ORDER)).json()[0]["fulfillmentStatus"] == "DELIVERED"


@run
async def test_creating_a_fulfillment_twice_is_a_violation() -> None:
    sandbox = await registered()
    new = {**FULFILLMENT, "sourceFulfillmentId": "f2"}
    assert (await sandbox.op("POST", ORDER, new)).status_code == 201
    assert (await sandbox.op("POST", ORDER, new)).status_code == 409
    stats = (await sandbox.http.get("/_sandbox/stats")).json()["orderProtection"]
    assert [violation["what"] for violation in stats["violations"]] == ["created twice"]
    assert stats["pushes"] == 1


@pytest.mark.parametrize(
    ("method", "path", "payload", "status"),
    [
        ("PUT", f"{ORDER}/f%2F1", {"status": "Delivered"}, 400),
        ("PUT", f"{ORDER}/f%2F1", {"status": "NOT_DELIVERED"}, 400),
        ("PUT", f"{ORDER}/f%2F1", {"fulfillmentStatus": "DELIVERED"}, 400),
        ("PUT", f"{ORDER}/f%2F1", {"status": "DELIVERED", "at": "now"}, 400),
        ("PUT", f"{ORDER}/f%2F1", ["DELIVERED"], 400),
        ("PUT", f"{ORDER}/f%2F1", None, 400),
        ("PUT", f"{ORDER}/f1", {"status": "DELIVERED"}, 404),
        ("PUT", f"{ORDER}/f/1", {"status": "DELIVERED"}, 404),
        ("PUT", "/orders/nobody/fulfillments/f%2F1", {"status": "DELIVERED"}, 404),
        ("GET", "/orders/nobody/fulfillments", None, 404),
        ("GET", "/orders", None, 404),
        ("PUT", "/orders/nobody", {}, 404),
        ("PUT", "/orders/%235%2F17%20%C3%A9%3F", {"tags": "gift"}, 200),
        ("POST", "/orders", {}, 400),
        ("POST", "/orders", {"sourceOrderId": 17}, 400),
        ("POST", "/orders", {"sourceOrderId": "#5/17 é?"}, 409),
        ("POST", ORDER, {**FULFILLMENT, "fulfillmentStatus": "in_transit"}, 400),
        ("POST", ORDER, {**FULFILLMENT, "sourceItemIds": [{"sourceItemId": "i"}]}, 400),
        ("POST", ORDER, {**FULFILLMENT, "sourceItemIds": [{"sourceItemId": "i", "quantity": "1"}]}, 400),
        ("POST", ORDER, {**FULFILLMENT, "trackingNumber": "1Z999AA10123456784"}, 400),
        ("POST", ORDER, {**FULFILLMENT, "createdAt": "yesterday"}, 400),
        ("POST", ORDER, {**FULFILLMENT, "createdAt": "2026-03-02T12:00:00"}, 400),
        ("POST", ORDER, {"sourceFulfillmentId": "f3", "sourceItemIds": []}, 400),
        ("POST", "/orders/nobody/fulfillments", FULFILLMENT, 404),
    ],
)
@run
async def test_order_protection_is_strict(method: str, path: str, payload: object, status: int) -> None:
    sandbox = await registered()
    assert (await sandbox.op(method, path, payload)).status_code == status


@run
async def test_order_protection_checks_tokens_and_scopes() -> None:
    sandbox = await registered()
    put = f"/order-protection/v1{ORDER}/f%2F1"

    async def push(token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return (await sandbox.http.put(put, json={"status": "DELIVERED"}, headers=headers)).status_code

    assert await push("a-token-from-the-settings") == 200
    assert await push("wrong-token") == 401
    assert await push("op_at_never_issued") == 401
    assert (await sandbox.http.put(put, json={"status": "DELIVERED"})).status_code == 401
    grant = {"grant_type": "client_credentials", "client_id": "c", "client_secret": "s"}
    reader = {**grant, "store_id": "1", "scopes": ["read_orders"]}
    answer = await sandbox.http.post("/order-protection/v1/oauth/token", json=reader)
    assert await push(answer.json()["access_token"]) == 403
    token = await sandbox.token("order-protection")
    assert await push(token) == 200
    sandbox.clock.forward(hours=1)
    assert await push(token) == 401


@run
async def test_a_world_is_served_on_loopback() -> None:
    world = World(FakeClock(), parcels=5)
    async with serve(world) as url, httpx.AsyncClient(base_url=url) as http:
        assert url.startswith("http://127.0.0.1:")
        assert len((await http.get("/_sandbox/orders")).json()) == len(world.orders)
