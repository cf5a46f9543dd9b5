"""The status queries: filters, pages that stay put, ETags, single ones, counts."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from carriers.sdk.status import FulfillmentStatus as S
from tests.integration.api_bench import NOW, ApiBench, fulfillment, order


@pytest.fixture
def bench(tmp_path: Path) -> ApiBench:
    return ApiBench(tmp_path)


@pytest.fixture
def five(bench: ApiBench) -> ApiBench:
    """Five orders of a fulfillment each, F-1 to F-5."""
    bench.take(*(order(f"#{n}", fulfillment(f"F-{n}", f"79460000000{n}")) for n in range(1, 6)))
    return bench


def ids(page: Any) -> list[str]:
    return [item["sourceFulfillmentId"] for item in page["items"]]


def test_a_fulfillment_in_a_list_has_the_fields_of_the_status_command(five: ApiBench) -> None:
    five.become("F-5", S.IN_TRANSIT)
    [newest, *_] = five.get("/api/fulfillments")["items"]
    [parcel] = newest.pop("parcels")
    assert newest == {
        "sourceFulfillmentId": "F-5",
        "sourceOrderId": "#5",
        "status": "IN_TRANSIT",
        "statusAt": "2026-03-02T12:00:00+00:00",
        "trackingCompany": "FedEx",
        "pushed": {"status": None, "at": None, "pending": True, "attempts": 0, "lastError": None},
    }
    assert parcel["trackingNumber"] == "794600000005"
    assert parcel["carrier"] == "fedex"
    assert "events" not in parcel


def test_pages_are_newest_first_and_end(five: ApiBench) -> None:
    first = five.ask("GET", "/api/fulfillments?limit=2&late=false")
    assert ids(first.json()) == ["F-5", "F-4"]
    url = first.headers["link"].partition(">")[0].removeprefix("<")
    assert first.headers["link"].endswith('; rel="next"')
    second = five.get(url)
    assert ids(second) == ["F-3", "F-2"]
    last = five.ask("GET", f"/api/fulfillments?limit=2&cursor={second['next']}")
    assert ids(last.json()) == ["F-1"]
    assert last.json()["next"] is None
    assert "link" not in last.headers


def test_what_comes_in_meanwhile_neither_repeats_nor_hides_a_row(five: ApiBench) -> None:
    first = five.get("/api/fulfillments?limit=2")
    five.take(order("#6", fulfillment("F-6", "794600000006")))
    five.become("F-2", S.DELIVERED)
    five.take(order("#3"))  # F-3 is withdrawn
    assert ids(five.get(f"/api/fulfillments?limit=2&cursor={first['next']}")) == ["F-2", "F-1"]


def test_filters(five: ApiBench) -> None:
    five.clock.forward(hours=1)
    since = "2026-03-02T13:00:00%2B00:00"
    five.become("F-1", S.IN_TRANSIT)
    five.become("F-2", S.FAILURE)
    five.take(order("#7", fulfillment("F-7", "1Z999AA10123456784", trackingCompany="UPS")))
    five.take(order("#8", fulfillment("F-8", "PP-12345678", trackingCompany="Pigeon Post")))
    assert ids(five.get("/api/fulfillments?status=IN_TRANSIT&status=FAILURE")) == ["F-2", "F-1"]
    assert ids(five.get("/api/fulfillments?status=FAILURE")) == ["F-2"]
    assert ids(five.get("/api/fulfillments?carrier=ups")) == ["F-7"]
    assert ids(five.get("/api/fulfillments?carrier=unknown")) == ["F-8"]
    assert ids(five.get(f"/api/fulfillments?since={since}")) == ["F-8", "F-7", "F-2", "F-1"]
    assert ids(five.get(f"/api/fulfillments?since={since}&status=IN_TRANSIT")) == ["F-1"]
    assert ids(five.get("/api/fulfillments?carrier=ups&status=FAILURE")) == []


@pytest.mark.parametrize("q", ["F-3", "%233", "7946 0000 0003", "794600000003"])
def test_a_search_finds_by_any_of_the_three_names(five: ApiBench, q: str) -> None:
    assert ids(five.get(f"/api/fulfillments?q={q}")) == ["F-3"]
    [parcel] = five.get(f"/api/parcels?q={q}")["items"]
    assert parcel["trackingNumber"] == "794600000003"


def test_a_search_goes_by_how_a_name_begins(five: ApiBench) -> None:
    assert len(ids(five.get("/api/fulfillments?q=79460000"))) == 5
    assert ids(five.get("/api/fulfillments?q=%25")) == []
    assert ids(five.get("/api/fulfillments?q=f-")) == []


def test_late_and_stalled_are_of_parcels_under_way(five: ApiBench) -> None:
    with five.database.write() as tx:
        for number, promised, moved in ((1, -1, -8), (2, 1, -3), (3, -2, -9)):
            tx.exec_driver_sql(
                "UPDATE parcels SET estimated_delivery = ?, last_movement_at = ? WHERE number = ?",
                (
                    (NOW + timedelta(days=promised)).isoformat(timespec="microseconds"),
                    (NOW + timedelta(days=moved)).isoformat(timespec="microseconds"),
                    f"79460000000{number}",
                ),
            )
    five.become("F-3", S.DELIVERED)
    assert ids(five.get("/api/fulfillments?late=true")) == ["F-1"]
    assert ids(five.get("/api/fulfillments?stalled=7")) == ["F-1"]
    assert ids(five.get("/api/fulfillments?stalled=2")) == ["F-2", "F-1"]
    assert [p["trackingNumber"] for p in five.get("/api/parcels?late=true")["items"]] == ["794600000001"]


@pytest.mark.parametrize(
    "query",
    [
        *("status=in_transit", "status=", "carrier=fedx", "late=1", "stalled=-1", "since=yesterday", "limit=501"),
        *("since=2026-03-02T12:00:00", "since=2026-02-30T12:00:00Z", "cursor=xyz", "cursor=-1", "limit=0"),
    ],
)
def test_what_cannot_be_read_is_refused(bench: ApiBench, query: str) -> None:
    refused = bench.ask("GET", f"/api/fulfillments?{query}")
    assert refused.status_code == 422
    [error] = refused.json()["errors"]
    assert error["where"].startswith(f"query.{query.partition('=')[0]}")


def test_what_did_not_change_is_not_sent_again(five: ApiBench) -> None:
    for url in ("/api/fulfillments", "/api/fulfillments/F-1", "/api/parcels/794600000001", "/api/stats"):
        tag = five.ask("GET", url).headers["etag"]
        for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
            again = five.ask("GET", url, headers={"If-None-Match": known})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        five.become("F-1", S.IN_TRANSIT if url.endswith("fulfillments") else S.DELIVERED)
        five.clock.forward(seconds=1)
        changed = five.ask("GET", url, headers={"If-None-Match": tag})
        assert changed.status_code == 200, url


def test_one_fulfillment_with_everything(five: ApiBench) -> None:
    with five.database.write() as tx:
        tx.exec_driver_sql(
            "INSERT INTO events (parcel_id, key, source, occurred_at, utc_offset, zone, code, mapped, status, effect,"
            " description, city, state, postal_code, country, position, seen_at) SELECT id, 'k', 'fedex',"
            " '2026-03-02T09:00:00.000000+00:00', -360, 'given', 'AR', 1, 'IN_TRANSIT', 'none', 'Arrived', 'MEMPHIS',"
            " 'TN', '38118', 'US', 0, '2026-03-02T10:00:00.000000+00:00' FROM parcels WHERE number = '794600000001'"
        )
    five.become("F-1", S.IN_TRANSIT)
    whole = five.get("/api/fulfillments/F-1")
    assert [change["status"] for change in whole["history"]] == ["FULFILLED", "IN_TRANSIT"]
    [parcel] = whole["parcels"]
    [event] = parcel["events"]
    assert event == {
        "occurredAt": "2026-03-02T03:00:00-06:00",
        "zone": "given",
        "status": "IN_TRANSIT",
        "code": "AR",
        "description": "Arrived",
        "place": {"city": "MEMPHIS", "state": "TN", "postalCode": "38118", "country": "US"},
    }
    [same] = five.get("/api/parcels/7946 0000 0001")["parcels"]
    assert same["events"] == [event]
    assert same["fulfillments"] == [{"sourceFulfillmentId": "F-1", "sourceOrderId": "#1"}]


def test_an_id_may_have_any_character(bench: ApiBench) -> None:
    bench.take(order("#1", fulfillment("a/b c?#%2Fé")))
    whole = bench.get("/api/fulfillments/a%2Fb%20c%3F%23%252F%C3%A9")
    assert whole["sourceFulfillmentId"] == "a/b c?#%2Fé"


def test_an_id_of_several_orders_wants_the_order(bench: ApiBench) -> None:
    bench.take(order("#1", fulfillment("1")), order("#2", fulfillment("1", "794600000025")))
    refused = bench.ask("GET", "/api/fulfillments/1")
    assert refused.status_code == 409
    assert "sourceOrderId" in refused.json()["detail"]
    assert bench.get("/api/fulfillments/1?sourceOrderId=%232")["sourceOrderId"] == "#2"


@pytest.mark.parametrize("url", ["/api/fulfillments/F-9", "/api/parcels/999", "/api/nothing", "/v1/nothing"])
def test_what_is_not_there_is_404(five: ApiBench, url: str) -> None:
    missing = five.ask("GET", url)
    assert missing.status_code == 404
    assert missing.headers["content-type"] == "application/problem+json"


def test_a_parcel_is_made_due(five: ApiBench) -> None:
    with five.database.write() as tx:
        tx.exec_driver_sql("UPDATE parcels SET next_poll_at = NULL")
    answer = five.ask("POST", "/api/parcels/7946%200000%200001/poll")
    assert (answer.status_code, answer.json()) == (202, {"trackingNumber": "794600000001", "due": 1})
    due = five.rows("SELECT number FROM parcels WHERE next_poll_at <= '2026-03-02T12:00:00.000000+00:00'")
    assert due == [("794600000001",)]


def test_only_the_newest_use_of_a_number_is_asked_about(bench: ApiBench) -> None:
    bench.take(order("#1", fulfillment("F-1", createdAt="2025-06-01T00:00:00Z")))
    bench.become("F-1", S.DELIVERED)
    bench.take(order("#2", fulfillment("F-2")))
    uses = bench.get("/api/parcels/794600000017")["parcels"]
    assert [use["fulfillments"][0]["sourceFulfillmentId"] for use in uses] == ["F-2", "F-1"]
    assert bench.ask("POST", "/api/parcels/794600000017/poll").json()["due"] == 1


def test_a_parcel_of_an_unknown_carrier_cannot_be_asked_about(bench: ApiBench) -> None:
    bench.take(order("#1", fulfillment(number="PP-12345678", trackingCompany="Pigeon Post")))
    refused = bench.ask("POST", "/api/parcels/PP-12345678/poll")
    assert refused.status_code == 409
    assert "trackingCompany" in refused.json()["detail"]


def test_counts(five: ApiBench) -> None:
    five.become("F-1", S.IN_TRANSIT)
    five.clock.forward(minutes=5)
    stats = five.get("/api/stats")
    assert stats["parcels"] == {"IN_TRANSIT": 1, "UNKNOWN": 4}
    assert stats["fulfillments"] == {"FULFILLED": 4, "IN_TRANSIT": 1}
    assert stats["outbox"] == {"waiting": 1, "dead": 0, "oldestWaitingAt": "2026-03-02T12:00:00.000000+00:00"}
    assert stats["forwards"] == {"waiting": 0, "dead": 0, "oldestWaitingAt": None}
    assert stats["polling"]["due"] == 5


def test_carriers_with_their_accounts(bench: ApiBench) -> None:
    carriers = {carrier["code"]: carrier for carrier in bench.get("/api/carriers")}
    assert carriers["fedex"]["name"] == "FedEx"
    assert carriers["fedex"]["configured"] is False
    assert carriers["fedex"]["accounts"] == []
