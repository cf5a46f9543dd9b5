"""What a report makes of a parcel, where neither timeline nor cadence decides."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from carriers.sdk import (
    AmbiguousShipment,
    AuthFailed,
    BadPayload,
    CarrierError,
    Event,
    InvalidNumber,
    Meaning,
    NotFound,
    Report,
    Shipment,
    Summary,
    TrackingNumber,
    Unavailable,
    ZoneSource,
)
from carriers.sdk.status import FulfillmentStatus as S
from tracker.cadence import Cadence
from tracker.progress import ParcelState, Progress, Rules, advance, interpret, without_names

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)
NUMBER = TrackingNumber("NUM001")
RULES = Rules(Cadence(), timedelta(days=30), {}, source="plain", sources=("plain",))
FRESH = ParcelState(
    id=1,
    number=NUMBER,
    fulfilled_at=NOW - timedelta(days=40),
    status=None,
    status_at=None,
    reason="",
    last_movement_at=None,
    delivered_at=None,
    estimated_delivery=None,
    shipment_id="",
    known=False,
    fingerprint="",
    first_asked_at=NOW - timedelta(days=40),
    ended_at=None,
    not_found=False,
    failures=0,
    cancelled=False,
    country="",
    state="",
    postal_code="",
    carrier="plain",
    source="plain",
    route="plain",
    step=0,
    not_found_since=None,
    company="Plain",
    stage=None,
    stage_at=None,
    utc_offset=0,
)


def after(report: Report, state: ParcelState = FRESH) -> Progress:
    return advance(state, interpret(state, report, NOW, RULES), {}, [], now=NOW, rules=RULES, chance=0.5)


def delivered(description: str) -> Shipment:
    at = NOW - timedelta(hours=1)
    return Shipment((Event(at, ZoneSource.GIVEN, "DL", Meaning(S.DELIVERED), description),))


@pytest.mark.parametrize("error", [NotFound("none"), InvalidNumber("none")])
def test_a_number_its_carrier_denies_is_given_up_in_the_end(error: CarrierError) -> None:
    denied = FRESH._replace(not_found=True, not_found_since=NOW - timedelta(days=31))
    row = after(Report(NUMBER, error=error), denied).row
    assert (row["status"], row["not_found"], row["failures"]) == (S.FAILURE, True, 0)
    assert row["reason"] == "never known to the carrier since 2026-02-17"


@pytest.mark.parametrize("error", [NotFound("none"), InvalidNumber("none")])
def test_a_number_that_nobody_could_ask_about_for_long_is_not_given_up_at_the_first_denial(error: CarrierError) -> None:
    row = after(Report(NUMBER, error=error)).row
    assert (row["status"], row["not_found"], row["not_found_since"]) == (None, True, NOW)


def test_any_answer_that_knows_it_ends_the_patience_with_a_number() -> None:
    denied = FRESH._replace(not_found=True, not_found_since=NOW - timedelta(days=20))
    for report in (Report(NUMBER, (delivered("Delivered"),)), Report(NUMBER, error=AmbiguousShipment("two"))):
        assert after(report, denied).row["not_found_since"] is None
    for error in (BadPayload("?"), Unavailable("down")):
        assert after(Report(NUMBER, error=error), denied).row["not_found_since"] == denied.not_found_since


@pytest.mark.parametrize("error", [AmbiguousShipment("two"), Unavailable("down"), AuthFailed("no"), BadPayload("?")])
def test_other_trouble_is_no_denial_however_long_it_lasts(error: CarrierError) -> None:
    progress = after(Report(NUMBER, error=error), FRESH._replace(failures=2))
    assert (progress.row["status"], progress.row["not_found"], progress.changed) == (None, False, False)
    assert progress.row["failures"] == (0 if isinstance(error, AmbiguousShipment) else 3)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("Delivered, signed by: A. QUILL", "Delivered, signed by …"),
        ("Delivered. Signed for by\nADA QUILL", "Delivered. Signed for by …"),
        ("Package received by A. QUILL at the door", "Package received by …"),
        ("Zugestellt, unterschrieben von Ada Quill", "Zugestellt, unterschrieben von …"),
        ("Shipping label received", "Shipping label received"),
    ],
)
def test_who_signed_is_stored_nowhere(said: str, kept: str) -> None:
    assert without_names(said) == kept
    progress = after(Report(NUMBER, (delivered(said),)))
    stored: list[dict[str, Any]] = [progress.row, *progress.events]
    assert "quill" not in str(stored).lower()
    assert progress.row["reason"] == f"DL: {kept}"


def test_a_summary_without_scans_leaves_what_scans_told() -> None:
    first = after(Report(NUMBER, (delivered("Delivered"),))).row
    state = FRESH._replace(**{name: first[name] for name in first if name in ParcelState._fields})
    summary = Summary("DL", Meaning(S.DELIVERED), "Delivered")
    second = after(Report(NUMBER, (Shipment(summary=summary),)), state).row
    at = NOW - timedelta(hours=1)
    assert (second["status"], second["last_movement_at"], second["delivered_at"]) == (S.DELIVERED, at, at)
    moving = Summary("IT", Meaning(S.IN_TRANSIT), "In transit")
    third = after(Report(NUMBER, (Shipment(summary=moving),)), state).row
    assert (third["status"], third["last_movement_at"], third["delivered_at"]) == (S.IN_TRANSIT, at, None)


def test_a_summary_alone_does_not_end_a_return_leg() -> None:
    returned = FRESH._replace(
        status=S.FAILURE, reason="returning: RS: Returning to shipper", status_at=NOW - timedelta(days=2), known=True
    )
    summary = Shipment(summary=Summary("DL", Meaning(S.DELIVERED), "Delivered"))
    progress = after(Report(NUMBER, (summary,)), returned)
    assert (progress.row["status"], progress.changed) == (S.FAILURE, False)
    assert progress.row["delivered_at"] is None
