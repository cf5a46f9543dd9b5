"""YAML files as carriers: what the format can express, and what a wrong file is told."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from carriers.sdk import (
    AuthFailed,
    BadPayload,
    CarrierError,
    InvalidNumber,
    NotFound,
    Place,
    RateLimited,
    Reply,
    Report,
    TrackingNumber,
    ZoneSource,
    read,
)
from carriers.sdk.carrier_file import CarrierFileError
from carriers.sdk.declarative import DeclarativeCarrier

ONE = TrackingNumber("AB123456")
TWO = TrackingNumber("CD123456")

#: A courier that answers about several numbers at once.
COURIER: dict[str, Any] = {
    "info": {
        "code": "acme",
        "name": "Acme",
        "docs": "https://acme.example/docs",
        "auth": {"api_key": {"header": "X-Key"}},
        "production": "https://api.acme.example",
        "sandbox": None,
        "tracking_page": "https://acme.example/{number}",
        "batch": 20,
        "quota": {"per_second": 0.5},
    },
    "request": {"path": "/track/{numbers}", "query": {"lang": "en"}},
    "answer": {
        "parcels": "parcels",
        "number": "id",
        "events": "events",
        "event": {"code": "code", "time": "at", "description": "text", "country": "country"},
        "error": {"code": "error.code", "message": "error.text", "types": {"NotFound": "404", "InvalidNumber": "400"}},
    },
    "codes": {"IN_TRANSIT": "GO  # on its way", "DELIVERED": ["Handed over"], "INFORMATIONAL": "MAIL"},
}


def changed(**parts: Any) -> dict[str, Any]:
    """COURIER with some parts' keys replaced; None takes a key out."""
    document: dict[str, Any] = {**COURIER}
    for part, value in parts.items():
        if not isinstance(value, dict):
            document[part] = value
            continue
        document[part] = {**COURIER[part], **value}
        for key in [key for key, inner in value.items() if inner is None]:
            del document[part][key]
    return document


def carrier(folder: Path, document: dict[str, Any] | str) -> DeclarativeCarrier:
    path = folder / "acme.yaml"
    path.write_text(document if isinstance(document, str) else yaml.safe_dump(document), encoding="utf-8")
    return DeclarativeCarrier.load(path)


def refusal(folder: Path, document: dict[str, Any] | str) -> str:
    with pytest.raises(CarrierFileError) as caught:
        carrier(folder, document)
    return str(caught.value)


def reports(made: DeclarativeCarrier, answer: object, *numbers: TrackingNumber, status: int = 200) -> Sequence[Report]:
    return read(made, Reply(numbers or (ONE,), status, orjson.dumps(answer)))


def event(code: str, at: str = "2026-03-04T10:00:00+01:00", **more: str) -> dict[str, str]:
    return {"code": code, "at": at, **more}


def test_info_becomes_the_carriers(tmp_path: Path) -> None:
    made = carrier(tmp_path, COURIER)

    assert (made.info.code, made.info.batch, made.info.quota.per_second) == ("acme", 20, 0.5)
    assert made.info.auth.fields == ("api_key",)
    assert set(made.codes) == {"GO", "HANDED_OVER", "MAIL"}


def test_numbers_are_encoded_in_a_path_and_joined(tmp_path: Path) -> None:
    call = carrier(tmp_path, COURIER).call([ONE, TrackingNumber("X/Y")])

    assert (call.method, call.path, call.query) == ("GET", "/track/AB123456,X%2FY", {"lang": "en"})


def test_a_body_repeats_its_only_item_for_each_number(tmp_path: Path) -> None:
    body = {"detailed": True, "list": [{"no": "{number}", "kind": "parcel"}], "all": "{numbers}"}
    made = carrier(tmp_path, changed(request={"method": "POST", "path": "/track", "join": ";", "body": body}))

    call = made.call([ONE, TWO])

    assert call.headers["Content-Type"] == "application/json"
    assert call.body is not None
    assert orjson.loads(call.body) == {
        "detailed": True,
        "list": [{"no": ONE, "kind": "parcel"}, {"no": TWO, "kind": "parcel"}],
        "all": "AB123456;CD123456",
    }


def test_one_bad_number_spoils_nothing(tmp_path: Path) -> None:
    parcels = [{"id": ONE, "events": [event("Handed over")]}, {"id": TWO, "error": {"code": 404, "text": "No such"}}]

    good, bad = reports(carrier(tmp_path, COURIER), {"parcels": parcels}, ONE, TWO)

    assert good.shipments[0].events[0].meaning is not None
    assert isinstance(bad.error, NotFound)
    assert bad.error.message == "404: No such"


def test_a_result_wins_over_an_error_of_the_same_number(tmp_path: Path) -> None:
    parcels = [{"id": ONE, "error": {"code": "404"}}, {"id": ONE, "events": [event("GO")]}]

    [only] = reports(carrier(tmp_path, COURIER), {"parcels": parcels})

    assert only.error is None
    assert len(only.shipments) == 1


def test_paths_walk_through_lists_and_alternatives(tmp_path: Path) -> None:
    made = carrier(
        tmp_path,
        changed(
            answer={
                "parcels": "sets",
                "number": ["id", "packages.no"],
                "events": ["log", "packages.events"],
                "event": {"code": "code", "time": ["when.utc", "at"], "city": "where.city", "country": "where.iso"},
            }
        ),
    )
    package = {
        "no": TWO,
        "events": [{"code": "GO", "at": "2026-03-04T10:00:00Z", "where": {"city": "Oslo", "iso": "no"}}],
    }

    [only] = reports(made, {"sets": [{"id": "SHIPMENT1", "packages": [{"no": "ZZ999999"}, package]}]}, TWO)

    [found] = only.shipments[0].events
    assert (found.code, found.place) == ("GO", Place("Oslo", country="NO"))


def test_the_answer_itself_can_be_the_parcel_and_the_oldest_event_first(tmp_path: Path) -> None:
    made = carrier(
        tmp_path,
        changed(
            info={"batch": 1},
            request={"path": "/track/{number}"},
            answer={"parcels": None, "number": None, "error": None, "order": "oldest_first", "summary": "state"},
        ),
    )

    [only] = reports(made, {"state": "Handed over", "events": [event("GO"), event("Handed over")]})

    assert [found.code for found in only.shipments[0].events] == ["GO", "Handed over"][::-1]
    assert only.shipments[0].summary is not None
    assert only.shipments[0].summary.meaning == made.codes["HANDED_OVER"]


def test_a_country_of_three_letters_is_understood(tmp_path: Path) -> None:
    parcels = [{"id": ONE, "events": [event("GO", country="SWE")]}]

    [only] = reports(carrier(tmp_path, COURIER), {"parcels": parcels})

    assert only.shipments[0].events[0].place == Place(country="SE")


def test_a_state_without_a_country_lies_at_home(tmp_path: Path) -> None:
    fields = {**COURIER["answer"]["event"], "state": "state"}
    made = carrier(tmp_path, changed(home="AU", answer={"event": fields}))
    at = "2026-01-05T10:00:00"
    events = [event("GO", at, state="WA"), event("GO", at, state="WA", country="US")]

    [only] = reports(made, {"parcels": [{"id": ONE, "events": events}]})

    here, abroad = only.shipments[0].events
    assert here.occurred_at.isoformat() == "2026-01-05T10:00:00+08:00"
    assert here.place == Place(state="WA")
    assert abroad.occurred_at.isoformat() == "2026-01-05T10:00:00-08:00"


def test_a_bare_time_is_read_at_home_and_marked(tmp_path: Path) -> None:
    made = carrier(tmp_path, changed(home="SE"))

    [only] = reports(made, {"parcels": [{"id": ONE, "events": [event("GO", "2026-07-04T10:00:00", country="?")]}]})

    [found] = only.shipments[0].events
    assert found.occurred_at == datetime(2026, 7, 4, 8, tzinfo=UTC)
    assert found.zone is ZoneSource.ASSUMED
    assert found.place is None


@pytest.mark.parametrize(
    ("stated", "promised"),
    [
        ("2026-07-04", datetime(2026, 7, 4, 21, 59, tzinfo=UTC)),
        ("2026-07-04T00:00:00+02:00", datetime(2026, 7, 4, 21, 59, tzinfo=UTC)),
        ("2026-07-04T12:00:00+02:00", datetime(2026, 7, 4, 10, tzinfo=UTC)),
        ("soon", None),
    ],
)
def test_a_promised_day_is_its_last_minute(tmp_path: Path, stated: str, promised: datetime | None) -> None:
    made = carrier(tmp_path, changed(answer={"estimated_delivery": "eta", "destination_country": "to"}))

    [only] = reports(made, {"parcels": [{"id": ONE, "eta": stated, "to": "SE", "events": [event("GO")]}]})

    assert only.shipments[0].estimated_delivery == promised


def test_a_family_speaks_for_a_code_the_table_lacks(tmp_path: Path) -> None:
    made = carrier(tmp_path, changed(family="."))

    [only] = reports(made, {"parcels": [{"id": ONE, "events": [event("GO.FAST"), event("MAIL"), event("NO.WAY")]}]})

    assert [found.code for found in only.shipments[0].events] == ["GO", "MAIL", "NO.WAY"]
    assert only.shipments[0].unmapped == ("NO.WAY",)


def test_texts_give_codes_where_codes_cannot_tell(tmp_path: Path) -> None:
    rules = [
        {"code": "ON_VAN", "language": "en", "pattern": "on (the|its) van", "sentence": "On the van.", "refines": "GO"},
        {"code": "Handed over", "language": "en", "pattern": "handed.*", "sentence": "Handed to the recipient"},
    ]
    made = carrier(tmp_path, changed(codes={"OUT_FOR_DELIVERY": "ON_VAN"}, texts=rules))
    texts = [event("GO", text="On its van"), event("GO", text="Handed on"), event("", text="Handed to you")]

    [only] = reports(made, {"parcels": [{"id": ONE, "events": [*texts, event("MAIL", text="Handed to you")]}]})

    assert [found.code for found in only.shipments[0].events] == ["ON_VAN", "GO", "Handed over", "MAIL"]
    assert all(found.meaning == made.codes.meaning(found.code) for found in only.shipments[0].events)


def test_a_fault_of_the_whole_answer(tmp_path: Path) -> None:
    made = carrier(tmp_path, changed(answer={"fault": {"code": "faults.code", "types": {"InvalidNumber": "badId"}}}))

    [alone] = reports(made, {"faults": [{"code": "badId"}]})
    assert isinstance(alone.error, InvalidNumber)
    with pytest.raises(BadPayload, match="badId"):
        reports(made, {"faults": [{"code": "badId"}]}, ONE, TWO)
    with pytest.raises(BadPayload, match="somethingElse"):
        reports(made, {"faults": [{"code": "somethingElse"}]})


@pytest.mark.parametrize(("status", "kind"), [(401, AuthFailed), (429, RateLimited), (400, BadPayload)])
def test_the_carriers_own_words_go_with_an_http_error(tmp_path: Path, status: int, kind: type[CarrierError]) -> None:
    made = carrier(tmp_path, changed(answer={"message": ["fault.text", "title"]}))

    with pytest.raises(kind, match=f"HTTP {status}: Too bad"):
        reports(made, {"title": "Too bad"}, status=status)


@pytest.mark.parametrize("answer", [{}, [], {"parcels": None}, {"parcels": "none"}, "text", None])
def test_an_answer_of_another_shape_is_unreadable(tmp_path: Path, answer: object) -> None:
    with pytest.raises(BadPayload):
        reports(carrier(tmp_path, COURIER), answer)


def test_an_empty_list_of_parcels_leaves_the_number_not_found(tmp_path: Path) -> None:
    [only] = reports(carrier(tmp_path, COURIER), {"parcels": []})

    assert isinstance(only.error, NotFound)


@pytest.mark.parametrize(
    ("document", "place", "expectation"),
    [
        (changed(answer={"evnt": "x"}), "answer: ", "unknown key evnt; expected some of format, parcels, "),
        (changed(answer={"event": {"code": "c", "time": "t", "tme": "x"}}), "answer.event: ", "unknown key tme"),
        (changed(answer={"events": None}), "answer.events: ", "missing"),
        (changed(answer={"events": 7}), "answer.events: ", "expected a dotted path"),
        (changed(answer={"order": "random"}), "answer.order: ", "'newest_first' or 'oldest_first'"),
        (changed(answer={"error": {"code": "c", "types": {"Lost": "1"}}}), "answer.error.types.Lost", "'NotFound'"),
        (changed(info={"name": None}), "info.name: ", "missing"),
        (changed(info={"colour": "red"}), "info.colour: ", "unknown key"),
        (changed(info={"auth": {"magic": {}}}), "info: ", "expected one of oauth2, api_key, basic"),
        (changed(info={"auth": {"api_key": {}}}), "info: auth.api_key: ", "'header'"),
        (changed(info={"batch": "many"}), "info.batch: ", "valid integer"),
        (changed(request={"path": "track/{number}"}), "request: ", "must start with '/'"),
        (changed(request={"path": "/track"}), "request: ", "neither {number} nor {numbers}"),
        (changed(request={"path": "/track/{number}"}), "top: ", "info.batch is 20: use {numbers}"),
        (changed(request={"query": {"full": True}}), "request.query.full: ", "expected a string, got True; quote it"),
        (changed(answer={"number": None}), "top: ", "answer.number is missing"),
        (changed(codes={"ARRIVED": "AR"}), "codes: ", "unknown column 'ARRIVED'"),
        (changed(codes={"DELAYED": "GO"}), "codes: ", "'GO' is listed twice"),
        (changed(codes={"DELAYED": [False]}), "codes.DELAYED: ", "quote numbers and yes, no, on, off"),
        (changed(codes={"DELAYED": 10}), "codes.DELAYED: ", "expected codes separated by blanks"),
        (changed(home="Sweden"), "home: ", "pattern"),
        (
            changed(texts=[{"code": "NOPE", "language": "en", "pattern": "x", "sentence": "x"}]),
            "top: ",
            "the code 'NOPE', which codes does not map",
        ),
        (
            changed(texts=[{"code": "GO", "language": "en", "pattern": "x", "sentence": "y"}]),
            "top: ",
            "text rule 'x' does not match",
        ),
        (
            changed(texts=[{"code": "GO", "language": "en", "pattern": "(", "sentence": "("}]),
            "texts.0.pattern: ",
            "no regular expression",
        ),
        ("", "top: ", "valid dictionary"),
        ("codes:\n  DELIVERED: A\n  DELIVERED: B\n", "line 3", "key 'DELIVERED' stands twice"),
        ("info: {code: [", "line 1", "expected"),
    ],
)
def test_a_wrong_file_is_told_where_and_what(
    tmp_path: Path, document: dict[str, Any] | str, place: str, expectation: str
) -> None:
    message = refusal(tmp_path, document)

    assert message.startswith(str(tmp_path / "acme.yaml"))
    assert place in message
    assert expectation in message


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    message = refusal(tmp_path, changed(answer={"events": None}, codes={"ARRIVED": "AR"}))

    assert len(message.splitlines()) == 2


def test_a_gateways_404_page_does_not_make_the_number_unknown(tmp_path: Path) -> None:
    made = carrier(tmp_path, changed())
    with pytest.raises(BadPayload):
        read(made, Reply((ONE,), 404, b"<html>nothing here</html>"))


def test_a_number_the_answer_names_in_neither_way_is_left_out(tmp_path: Path) -> None:
    parcels = [{"id": "", "events": [event("GO")]}, {"id": "?", "events": [event("GO")]}]

    first, second = reports(carrier(tmp_path, COURIER), {"parcels": parcels}, ONE, TWO)

    assert isinstance(first.error, NotFound)
    assert isinstance(second.error, NotFound)
