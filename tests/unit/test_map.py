"""`tracker map`: a carrier's raw answer, read offline, in the JSON shape people script against."""

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tracker.cli import main


class Ran(NamedTuple):
    code: object
    out: str
    err: str


Map = Callable[..., Ran]


@pytest.fixture
def run_map(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Map:
    """`tracker map …` in an empty folder; `answer` becomes the file `answer`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str, answer: object = None) -> Ran:
        if answer is not None:
            body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            (tmp_path / "answer").write_bytes(body)
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(body)))
        with pytest.raises(SystemExit) as ended:
            main(["map", *arguments])
        return Ran(ended.value.code, *capsys.readouterr())

    return run


def scan(code: str, when: str, city: str = "Memphis", **fields: Any) -> dict[str, Any]:
    place = {"city": city, "stateOrProvinceCode": "TN", "postalCode": "38118", "countryCode": "US"}
    return {"date": when, "eventType": code, "eventDescription": f"scan {code}", "scanLocation": place, **fields}


def fedex(*scans: dict[str, Any], number: str = "700000000011") -> dict[str, Any]:
    result = {"scanEvents": list(scans), "latestStatusDetail": {"code": scans[0]["eventType"]}}
    return {
        "output": {
            "completeTrackResults": [
                {
                    "trackingNumber": number,
                    "trackResults": [{"trackingNumberInfo": {"trackingNumber": number}} | result],
                }
            ]
        }
    }


MOVING = fedex(
    scan("DP", "2026-03-03T08:00:00-06:00"),
    scan("AR", "2026-03-02T21:00:00", city="Nashville"),
    scan("PU", "2026-03-02T10:00:00-06:00"),
)


def test_the_documents_shape(run_map: Map) -> None:
    ran = run_map("fedex", "answer", "--json", answer=MOVING)

    document = json.loads(ran.out)
    assert ran.code == 0
    assert ran.err == ""
    assert list(document) == ["carrier", "reports", "unmapped"]
    assert document["carrier"] == "fedex"
    (report,) = document["reports"]
    assert list(report) == ["number", "status", "estimatedDelivery", "signedBy", "error", "events"]
    assert (report["number"], report["status"], report["error"]) == ("700000000011", "IN_TRANSIT", None)
    assert report["events"][0] == {
        "occurredAt": "2026-03-03T08:00:00-06:00",
        "zone": "given",
        "status": "IN_TRANSIT",
        "code": "DP",
        "description": "scan DP",
        "place": {"city": "Memphis", "state": "TN", "postalCode": "38118", "country": "US"},
    }


def test_events_come_newest_first_whatever_order_they_had(run_map: Map) -> None:
    shuffled = fedex(
        scan("PU", "2026-03-02T10:00:00-06:00"),
        scan("DP", "2026-03-03T08:00:00-06:00"),
        scan("AR", "2026-03-02T21:00:00-05:00"),
    )

    ran = run_map("fedex", "answer", "--json", answer=shuffled)

    assert [event["code"] for event in json.loads(ran.out)["reports"][0]["events"]] == ["DP", "AR", "PU"]


def test_a_bare_local_time_is_marked_as_assumed(run_map: Map) -> None:
    (report,) = json.loads(run_map("fedex", "answer", "--json", answer=MOVING).out)["reports"]

    assumed = report["events"][1]
    assert (assumed["zone"], assumed["occurredAt"]) == ("assumed", "2026-03-02T21:00:00-06:00")


def test_an_unmapped_code_is_null_and_listed_and_the_status_stays(run_map: Map) -> None:
    answer = fedex(scan("QZ9", "2026-03-03T09:00:00-06:00"), scan("PU", "2026-03-02T10:00:00-06:00"))
    del answer["output"]["completeTrackResults"][0]["trackResults"][0]["latestStatusDetail"]

    document = json.loads(run_map("fedex", "answer", "--json", answer=answer).out)

    assert document["unmapped"] == ["QZ9"]
    assert document["reports"][0]["events"][0]["status"] is None
    assert document["reports"][0]["status"] == "CARRIER_PICKED_UP"


def test_stdin_is_read_for_a_dash(run_map: Map) -> None:
    ran = run_map("fedex", "-", "--json", answer=MOVING)

    assert json.loads(ran.out)["reports"][0]["status"] == "IN_TRANSIT"


def test_a_number_asked_that_the_answer_leaves_out_is_not_found(run_map: Map) -> None:
    ran = run_map("fedex", "answer", "--json", "--number", "7000 0000 0011", "--number", "700000000022", answer=MOVING)

    first, second = json.loads(ran.out)["reports"]
    assert (first["number"], first["status"]) == ("700000000011", "IN_TRANSIT")
    assert (second["number"], second["status"], second["error"]["type"]) == ("700000000022", None, "NotFound")


@pytest.mark.parametrize(
    ("status", "answer", "error"),
    [
        ("401", {"errors": [{"code": "NOT.AUTHORIZED.ERROR", "message": "Access token expired."}]}, "AuthFailed"),
        ("429", {}, "RateLimited"),
        ("503", {}, "Unavailable"),
        ("200", b"<!DOCTYPE html><html><body>Maintenance</body></html>", "BadPayload"),
        ("200", json.dumps(MOVING).encode()[:-40], "BadPayload"),
    ],
)
def test_a_failure_of_the_whole_answer_is_a_report_for_each_number_asked(
    run_map: Map, status: str, answer: object, error: str
) -> None:
    asked = run_map("fedex", "answer", "--http-status", status, "--number", "700000000011", "--json", answer=answer)
    unasked = run_map("fedex", "answer", "--http-status", status, "--json", answer=answer)

    for ran, number in ((asked, "700000000011"), (unasked, None)):
        (report,) = json.loads(ran.out)["reports"]
        assert ran.code == 0
        assert (report["number"], report["status"], report["events"]) == (number, None, [])
        assert list(report["error"]) == ["type", "message", "retryAfter"]
        assert report["error"]["type"] == error


def test_two_equally_likely_shipments_are_an_ambiguity_not_a_guess(run_map: Map) -> None:
    answer = fedex(scan("DL", "2026-03-03T09:00:00-06:00"))
    (result,) = answer["output"]["completeTrackResults"]
    other = fedex(scan("OD", "2026-03-03T09:00:00-06:00"))["output"]["completeTrackResults"][0]["trackResults"][0]
    result["trackResults"].append(other)

    (report,) = json.loads(run_map("fedex", "answer", "--json", answer=answer).out)["reports"]

    assert (report["status"], report["error"]["type"]) == (None, "AmbiguousShipment")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("nocarrier", "answer"), "unknown carrier 'nocarrier'; known: "),
        (("fedex", "missing"), "missing: no such file"),
        (("fedex", "answer", "--number", "12"), "--number: '12' is no tracking number"),
        (("fedex", "answer", "--http-status", "42"), "--http-status"),
    ],
)
def test_bad_usage_ends_with_2_and_says_why(run_map: Map, arguments: tuple[str, ...], told: str) -> None:
    ran = run_map(*arguments, "--json", answer=MOVING)

    assert ran.code == 2
    assert ran.out == ""
    assert told in ran.err
    assert "Traceback" not in ran.err


def test_people_get_a_table_that_marks_what_is_unmapped(run_map: Map) -> None:
    answer = fedex(scan("QZ9", "2026-03-03T09:00:00-06:00"), scan("PU", "2026-03-02T10:00:00"))

    ran = run_map("fedex", "answer", answer=answer)

    assert "700000000011  " in ran.out
    assert "2026-03-02 10:00 -06:00 ?" in ran.out
    assert "unmapped codes: QZ9" in ran.out


def test_a_carriers_text_cannot_colour_or_clear_the_terminal(run_map: Map) -> None:
    answer = fedex(scan("DP", "2026-03-03T09:00:00-06:00", eventDescription="[red]\x1b[2Jcleared"))

    ran = run_map("fedex", "answer", answer=answer)

    assert "\x1b" not in ran.out
    assert "[red]" in ran.out
