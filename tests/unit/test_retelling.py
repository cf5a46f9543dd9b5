"""What a parcel comes to when its stored events read differently: never worse than what is known."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from carriers.sdk.codes import INFORMATIONAL, Codes, Effect, Meaning, TextRule, TextRules
from carriers.sdk.events import Event, ZoneSource
from carriers.sdk.registry import Registered, known_carriers
from carriers.sdk.status import FulfillmentStatus as S
from tracker.config import Settings
from tracker.replay import Rule, RuleBook, Ruling
from tracker.replay.retelling import Parcel, Retelling, Told, retell

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
NOW = START + timedelta(days=10)
MARGIN = timedelta(days=30)
RETURNING = Meaning(S.FAILURE, Effect.RETURN)


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def told(hours: float, code: str, before: S | Meaning | None, after: S | Meaning | str | None = "same") -> Told:
    """An event `hours` after the start that meant `before` and means `after`; None is an unmapped code."""
    meant = Meaning(before) if isinstance(before, S) else before
    means = Meaning(after) if isinstance(after, S) else after
    event = Event(at(hours), ZoneSource.GIVEN, code, meant, f"scan {code}")
    return Told("fedex", event, event if isinstance(means, str) else event._replace(meaning=means))


def parcel(status: S | None, decided: Told | None = None, **fields: Any) -> Parcel:
    """A parcel whose status that event made."""
    values: dict[str, Any] = {
        **{"id": 1, "number": "794600000017", "carrier": "fedex", "source": "fedex", "fulfilled_at": START},
        **{"status": status, "status_at": None, "reason": "", "last_movement_at": None, "delivered_at": None},
        **{"ended_at": None, "next_poll_at": at(999)},
    }
    if decided is not None:
        event = decided.before
        values |= {"status_at": event.occurred_at, "reason": f"{event.code}: {event.description}"}
    return Parcel(**{**values, **fields})


def book(**mapping: dict[str, str]) -> RuleBook:
    return RuleBook(Settings(mapping=mapping))


def retold(state: Parcel, *events: Told, rules: RuleBook | None = None) -> Retelling:
    return retell(state, events, rules or book(), MARGIN, NOW)


DEPARTED = told(30, "DP", S.IN_TRANSIT)


def test_a_code_that_means_a_status_now_decides_by_its_place_in_time() -> None:
    newer, older = told(40, "ZQ", None, S.ON_HOLD), told(20, "ZQ", None, S.ON_HOLD)
    moving = parcel(S.IN_TRANSIT, DEPARTED, last_movement_at=at(30))

    first, second = retold(moving, newer, DEPARTED), retold(moving, DEPARTED, older)

    assert (first.row["status"], first.row["status_at"], first.row["reason"]) == (S.ON_HOLD, at(40), "ZQ: scan ZQ")
    assert first.because is not None
    assert first.because.code == "ZQ"
    assert second == Retelling({})


def test_the_code_that_no_longer_decides_is_the_reason_where_it_was_the_one_that_did() -> None:
    was = told(40, "ZQ", S.DELAYED, INFORMATIONAL)

    found = retold(parcel(S.DELAYED, was, last_movement_at=at(30)), was, DEPARTED)

    assert (found.row["status"], found.row["reason"]) == (S.IN_TRANSIT, "DP: scan DP")
    assert found.because is not None
    assert found.because.code == "ZQ"


def test_a_status_is_never_taken_back_to_none() -> None:
    only = told(40, "ZQ", S.DELAYED, INFORMATIONAL)

    assert retold(parcel(S.DELAYED, only), only) == Retelling({})


def test_a_coarse_word_that_decided_stands_while_its_event_stays_unmapped() -> None:
    coarse, older = told(40, "ZQ", None), told(20, "YY", None, S.CARRIER_PICKED_UP)

    found = retold(parcel(S.DELIVERED, coarse, last_movement_at=at(40), delivered_at=at(40)), coarse, older)

    assert found == Retelling({})


def test_a_coarse_word_that_decided_gives_way_to_the_code_of_its_event() -> None:
    coarse = told(40, "ZQ", None, S.READY_FOR_PICKUP)

    found = retold(parcel(S.DELIVERED, coarse, delivered_at=at(40), ended_at=NOW), coarse, DEPARTED)

    assert (found.row["status"], found.row["delivered_at"], found.row["ended_at"]) == (S.READY_FOR_PICKUP, None, None)
    assert found.row["next_poll_at"] == NOW


def test_a_summary_that_decided_stands_until_the_newest_event_is_known() -> None:
    summed_up = parcel(S.DELIVERED, status_at=at(40), reason="summary DL: Delivered", delivered_at=at(40))
    unknown = told(40, "ZQ", None)

    assert retold(summed_up, unknown, told(20, "YY", None, S.IN_TRANSIT)).row["status"] is S.DELIVERED
    assert retold(summed_up, told(40, "ZQ", None, S.ON_HOLD), DEPARTED).row["status"] is S.ON_HOLD


def test_a_summary_is_read_by_the_mapping_too() -> None:
    summed_up = parcel(S.IN_TRANSIT, status_at=at(40), reason="summary IT: In transit")

    found = retold(summed_up, rules=book(fedex={"in transit": "DELAYED"}))

    assert (found.row["status"], found.row["reason"]) == (S.DELAYED, "summary IT: In transit")
    assert found.because is not None
    assert found.because.code == "IT"


def test_a_passed_promise_outlasts_an_older_scan_but_no_newer_one_and_no_trouble() -> None:
    overdue = parcel(S.DELAYED, status_at=at(35), reason="overdue: promised by 2026-03-03", last_movement_at=at(30))
    late = told(38, "ZQ", None, S.IN_TRANSIT)

    assert retold(overdue, told(33, "ZQ", None, S.IN_TRANSIT), DEPARTED).row == {
        "last_movement_at": at(33),
        "delivered_at": None,
    }
    assert retold(overdue, late, DEPARTED).row["status"] is S.IN_TRANSIT
    assert retold(overdue, told(32, "ZQ", None, S.ON_HOLD), DEPARTED).row["status"] is S.ON_HOLD


def test_a_parcel_that_was_never_known_stays_given_up() -> None:
    given_up = parcel(S.FAILURE, status_at=at(99), reason="never known to the carrier since 2026-03-02")

    assert retold(given_up, told(40, "ZQ", None, S.IN_TRANSIT)) == Retelling({})


def test_what_the_stored_events_do_not_explain_waits_for_the_next_answer() -> None:
    puzzling = parcel(S.ON_HOLD, status_at=at(50), reason="QQ: an event that is gone")

    found = retold(puzzling, told(40, "ZQ", None, S.OUT_FOR_DELIVERY), DEPARTED)

    assert found == Retelling({"fingerprint": ""}, undecided=True)


def test_a_parcel_that_a_poll_has_read_by_the_new_mapping_already_is_left_as_it_is() -> None:
    read = told(40, "ZQ", None, S.ON_HOLD)

    assert retold(parcel(S.ON_HOLD, status_at=at(41), reason="elsewhere"), read, DEPARTED) == Retelling({})


def test_a_way_back_begins_with_the_code_that_says_so_now() -> None:
    delivered, back = told(60, "DL", S.DELIVERED), told(40, "ZQ", None, RETURNING)

    found = retold(parcel(S.DELIVERED, delivered, delivered_at=at(60)), delivered, back, DEPARTED)

    assert (found.row["status"], found.row["delivered_at"]) == (S.FAILURE, None)
    assert found.row["reason"] == "returning: ZQ: scan ZQ"


def test_a_movement_that_was_none_is_taken_back_and_one_that_was_missed_counts() -> None:
    same = told(50, "OD", S.OUT_FOR_DELIVERY)
    out = parcel(S.OUT_FOR_DELIVERY, same, last_movement_at=at(50))
    waiting = told(10, "OC", S.CONFIRMED)

    assert retold(out, same, told(20, "ZQ", None, S.IN_TRANSIT)) == Retelling({})
    moved = retold(parcel(S.CONFIRMED, waiting), told(20, "ZQ", None, S.CARRIER_PICKED_UP), waiting)
    assert moved.row["last_movement_at"] == at(20)
    still = told(20, "ZQ", S.CARRIER_PICKED_UP, S.ON_HOLD)
    assert (
        retold(parcel(S.CARRIER_PICKED_UP, still, last_movement_at=at(20)), still, waiting).row["last_movement_at"]
        is None
    )


def test_events_of_another_use_of_the_number_decide_nothing() -> None:
    foreign = told(-24 * 31, "ZQ", None, S.DELIVERED)

    assert retold(parcel(None), foreign) == Retelling({})


# which rule reads a code


def test_the_merchants_text_goes_before_the_merchants_code_before_the_table_before_what_it_was() -> None:
    rules = book(fedex={"DP": "DELAYED", "held up  somewhere": "ON_HOLD"})

    assert rules.read("fedex", "dp", "Held up somewhere") == Ruling(
        Meaning(S.ON_HOLD), Rule.MAPPING, "HELD_UP_SOMEWHERE"
    )
    assert rules.read("fedex", "dp", "Left") == Ruling(Meaning(S.DELAYED), Rule.MAPPING, "DP")
    assert rules.read("fedex", "DL", "Left") == Ruling(Meaning(S.DELIVERED), Rule.TABLE, "DL")
    assert rules.read("fedex", "ZQ", "", Meaning(S.DELAYED)) == Ruling(Meaning(S.DELAYED), Rule.KEPT)
    assert rules.read("fedex", "ZQ", "") == Ruling(None, Rule.UNKNOWN)
    assert rules.read("pigeon", "DL", "", INFORMATIONAL) == Ruling(INFORMATIONAL, Rule.KEPT)


def test_a_mapping_of_one_carrier_says_nothing_of_anothers_codes() -> None:
    assert book(ups={"DP": "DELAYED"}).read("fedex", "DP", "").rule is Rule.TABLE


def test_a_code_that_a_text_rule_gave_is_found_in_the_table_and_names_its_sentence() -> None:
    said = "The shipment has been successfully delivered"

    assert book().read("dhl", "PARCEL-DE/ZU", said) == Ruling(Meaning(S.DELIVERED), Rule.TABLE, "PARCEL-DE/ZU")
    assert said in book().sentence("dhl", "PARCEL-DE/ZU", said)
    assert book().sentence("fedex", "DL", said) == ""


def test_what_a_plug_ins_text_rule_said_over_its_table_stands() -> None:
    fedex = known_carriers()["fedex"]

    class Pigeon(type(fedex.create())):  # type: ignore[misc]
        texts = TextRules(TextRule("en", "DELIVERED", r"coo+", "coo"))

    pigeon = Registered("plugin", Pigeon, fedex.options, fedex.info, Codes(IN_TRANSIT="FLY"), False)
    rules = RuleBook(Settings(), {"pigeon": pigeon})

    assert rules.read("pigeon", "FLY", "Coooo", Meaning(S.DELIVERED)).meaning == Meaning(S.DELIVERED)
    assert rules.read("pigeon", "FLY", "silence", Meaning(S.DELIVERED)).meaning == Meaning(S.IN_TRANSIT)


@pytest.mark.parametrize("code", ["ZQ", "zq ", " Zq"])
def test_case_and_blanks_of_a_mapping_do_not_matter(code: str) -> None:
    assert book(fedex={code: "on hold"}).read("fedex", "ZQ", "").meaning == Meaning(S.ON_HOLD)
