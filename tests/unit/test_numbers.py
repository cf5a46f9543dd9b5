"""Tracking numbers: clean-up, check digits, and which carriers a number can belong to."""

import json
import re
import string
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from carriers.sdk.numbers import (
    FORMATS,
    Candidate,
    Format,
    TrackingNumber,
    candidates,
    fedex_mod11,
    gs1_mod10,
    luhn,
    mod7,
    mod37_36,
    s10_mod11,
    tracking_number,
    ups_mod10,
)
from carriers.sdk.numbers.check_digits import identcode_mod10
from carriers.sdk.numbers.formats import OWN
from carriers.sdk.numbers.forms import shape_of
from carriers.sdk.numbers.posts import POSTS, S10

DETECTION = Path(__file__).parents[2] / "benchmarks" / "detection.py"
ALNUM = string.digits + string.ascii_uppercase
UPS_BODY = st.text(ALNUM, min_size=15, max_size=15)
EVERY_FORMAT = (*FORMATS, *(known for forms in S10.values() for known in forms))
CHECKED = [known for known in FORMATS if known.check is not None]

each_checked = pytest.mark.parametrize("known", CHECKED, ids=lambda known: f"{known.carrier}:{known.form}")
each_own = pytest.mark.parametrize(
    "known", [known for known in CHECKED if known.confidence >= OWN], ids=lambda known: f"{known.carrier}:{known.form}"
)


def carriers_of(number: str) -> list[str]:
    return [candidate.carrier for candidate in candidates(TrackingNumber(number))]


def candidate_of(number: str, carrier: str) -> Candidate | None:
    return next((found for found in candidates(TrackingNumber(number)) if found.carrier == carrier), None)


def with_digit(body: str) -> TrackingNumber:
    """The 1Z number of these 15 characters."""
    return next(TrackingNumber(f"1Z{body}{digit}") for digit in string.digits if ups_mod10(f"{body}{digit}"))


def numbers_of(known: Format) -> st.SearchStrategy[str]:
    """Any number of the form, whatever its check digit."""
    return st.from_regex(shape_of(known.form).pattern, fullmatch=True)


def checked_place(known: Format, number: str) -> tuple[int, int]:
    """Where the checked part of a number begins and ends."""
    shape = shape_of(known.form)
    found = shape.pattern.fullmatch(number)
    assert found is not None
    return found.span(shape.checked)


def valid_numbers(known: Format) -> st.SearchStrategy[str]:
    """Any number of the form with its check digit."""
    return numbers_of(known).map(lambda number: _fixed(known, number)).filter(bool)


def _fixed(known: Format, number: str) -> str:
    """The number with its check digit; '' where that is a letter and the form has none there, or the reverse."""
    assert known.check is not None
    start, end = checked_place(known, number)
    for digit in ALNUM:
        fixed = number[: end - 1] + digit + number[end:]
        if shape_of(known.form).pattern.fullmatch(fixed) and known.check(fixed[start:end]):
            return fixed
    return ""


def fits(known: Format, number: str) -> bool:
    """Whether the number is of the form, check digit and all."""
    shape = shape_of(known.form)
    found = shape.pattern.fullmatch(number)
    return found is not None and (known.check is None or known.check(found[shape.checked]))


def mistyped(known: Format, number: str) -> list[str]:
    """The number with one character changed, wherever that keeps the form and not the check digit."""
    assert known.check is not None
    start, end = checked_place(known, number)
    pattern = shape_of(known.form).pattern
    changed = [number[:place] + other + number[place + 1 :] for place in range(start, end) for other in ALNUM]
    return [one for one in changed if pattern.fullmatch(one) and not known.check(one[start:end])]


# clean-up


@pytest.mark.parametrize(
    ("written", "cleaned"),
    [
        ("1z 8w4 7a2 03 0000 1012", "1Z8W47A20300001012"),
        ("  9400 1112 0108 0805 4830 16\t".strip(), "9400111201080805483016"),
        ("ab-12_3.4", "AB-12_3.4"),
    ],
)
def test_clean_up(written: str, cleaned: str) -> None:
    assert tracking_number(written) == cleaned


@pytest.mark.parametrize("written", ["", "ABC", "-ABCD", "1Z/..", "A" * 41, "12345\n67890", "1Z8W47A2é300001012"])
def test_no_carrier_issues_this(written: str) -> None:
    with pytest.raises(ValueError, match="no tracking number"):
        tracking_number(written)


# check digits


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (ups_mod10, "8W47A20300001012", "8W47A2030000101A"),
        (ups_mod10, "C11081868957074", "C11081868957075"),
        (gs1_mod10, "00340434292135100056", "00340434292135100050"),
        (gs1_mod10, "4006381333931", "4006381333932"),  # any EAN
        (luhn, "79927398713", "79927398714"),
        (fedex_mod11, "986578788855", "986578788850"),
        (fedex_mod11, "00986578788855", "00986578788850"),  # as long as labels have it
        (mod7, "1234567891", "1234567897"),
        (s10_mod11, "473124829", "473124828"),
        (s10_mod11, "000000005", "000000000"),  # remainder 0: eleven reads as five
        (identcode_mod10, "563102430313", "563102430314"),
        (mod37_36, "A12425GABC1234002M", "A12425GABC1234002N"),  # the standard's sample
        (mod37_36, "008182709980000020033350276C", "008182709980000020033350276A"),
    ],
)
def test_check_digits(check: Callable[[str], bool], good: str, bad: str) -> None:
    assert check(good)
    assert not check(bad)


@pytest.mark.parametrize(("check", "chars"), [(gs1_mod10, string.digits), (luhn, string.digits), (mod37_36, ALNUM)])
@settings(deadline=None)
@given(data=st.data())
def test_one_wrong_character_never_escapes_the_better_checks(
    check: Callable[[str], bool], chars: str, data: st.DataObject
) -> None:
    body = data.draw(st.text(chars, min_size=5, max_size=27))
    number = next(body + digit for digit in chars if check(body + digit))
    place = data.draw(st.integers(0, len(number) - 1))
    other = data.draw(st.sampled_from(chars.replace(number[place], "")))

    assert not check(number[:place] + other + number[place + 1 :])


# whose a number is


# Sample numbers that carriers print, and made-up ones with their check digits.
@pytest.mark.parametrize(
    ("number", "carrier"),
    [
        ("1ZCIETST0111111114", "ups"),
        ("1ZCIETST0422222228", "ups"),
        ("1Z12345E1512345676", "ups"),
        ("J4603636537", "ups"),
        ("T2294846167", "ups"),
        ("MI12345670012", "ups"),
        ("986578788855", "fedex"),
        ("066064637708", "fedex"),
        ("039813852990618", "fedex"),
        ("9611020987654312345672", "fedex"),
        ("61299998820821171811", "fedex"),
        ("1001692453333533705732821461338489", "fedex"),
        ("9622368421518812868312723444910981", "fedex"),
        ("DT106064637708", "fedex"),
        ("9400111201080805483016", "usps"),
        ("420902109400111201080805483016", "usps"),
        ("4209021012349400111201080805483016", "usps"),
        ("94055760753084787938498017", "usps"),
        ("4201011892746073895930501461083987", "usps"),
        ("70160910000108310009", "usps"),
        ("4209021070160910000108310009", "usps"),
        ("RB123456785US", "usps"),
        ("00340434292135100056", "dhl"),
        ("JJD000390007893028175", "dhl"),
        ("JVGL0123456789", "dhl"),
        ("RX123456785DE", "dhl"),
        ("GM60511234500000001", "dhl"),
        ("LX600000000001", "dhl"),
        ("1234567891", "dhl"),
        ("3SHM00000000017", "dhl"),
        ("3SABCD12345678", "postnl"),
        ("TBA123456789012", "amazon"),
        ("TBC123456789012", "amazon"),
        ("TBM123456789012", "amazon"),
        ("0448938724186877", "canada_post"),
        ("RN769821217CA", "canada_post"),
        ("375150170005", "purolator"),
        ("KAV000000017", "purolator"),
        ("D123456780000000001001", "canpar"),
        ("C11081868957074", "ontrac"),
        ("D17179035821264", "ontrac"),
        ("1LS700000000001", "lasership"),
        ("1LS7100010000001-1", "lasership"),
        ("LX17000001", "lasership"),
        ("LTN12345678N1", "landmark"),
        ("01501109805333X", "dpd"),
        ("6531315730136738643474642566", "dpd"),
        ("12345678901", "gls"),
        ("ZX12AB34", "gls"),
        ("AB882834703GB", "royal_mail"),
        ("JD0000000000000001", "yodel"),
        ("JJD0002000000000001", "yodel"),
        ("H1000000000000000001", "hermes_de"),
        ("CX823560345FR", "la_poste"),
        ("6A33334059475", "colissimo"),
        ("RS259351268NL", "postnl"),
        ("CD890937727BE", "bpost"),
        ("323200000000000000000001", "bpost"),
        ("UA619137554SE", "postnord"),
        ("00373676546810795474", "postnord"),
        ("CP431077575DK", "postnord"),
        ("RR238052731NO", "bring"),
        ("00370215326927485220", "bring"),
        ("JC457381205FI", "posti"),
        ("99.00.123456.12345678", "swiss_post"),
        ("RB376516614CH", "swiss_post"),
        ("EE682796514AU", "australia_post"),
        ("EG771147873JP", "japan_post"),
        ("LP131552275CN", "china_post"),
        ("RA889355698IT", "poste_italiane"),
        ("GD123456782WW", "tnt"),
        ("YT0000000000000001", "yunexpress"),
        ("620000000000000000000001", "inpost"),
    ],
)
def test_the_likeliest_carrier(number: str, carrier: str) -> None:
    assert carriers_of(number)[0] == carrier


@pytest.mark.parametrize(
    "number", ["ABCDEFGH", "PO-2026-0001", "QQQQ-QQQQ-QQQQ", "RB123456785XX", "GIFTCARD", "A-1", "1Z" + "A" * 38]
)
def test_no_carrier(number: str) -> None:
    assert carriers_of(number) == []


@pytest.mark.parametrize(
    ("number", "carrier"),
    [
        ("1Z8W47A20300001013", "ups"),
        ("1Z8W47A2030000101A", "ups"),
        ("9400111201080805483017", "usps"),
        ("420902109400111201080805483017", "usps"),
        ("RB123456784US", "usps"),
        ("RB123456784CA", "canada_post"),
        ("00340434292135100057", "dhl"),
    ],
)
def test_a_marked_number_whose_check_digit_does_not_fit_is_the_carriers_with_little_confidence(
    number: str, carrier: str
) -> None:
    found = candidates(TrackingNumber(number))[0]

    assert (found.carrier, found.confidence < 0.5) == (carrier, True)
    assert found.format.endswith("; the check digit does not fit")


@pytest.mark.parametrize("number", ["12345678", "12345678901", "12345678901234", "ZX12AB34", "123456789"])
def test_a_form_many_share_says_so(number: str) -> None:
    found = candidates(TrackingNumber(number))

    assert found
    assert all(candidate.confidence < 0.5 for candidate in found)
    assert found[0].format.endswith(", a form many share")


def test_an_ambiguous_number_names_every_carrier_once_likeliest_first() -> None:
    found = candidates(TrackingNumber("00340434292135100056"))

    assert [(one.carrier, one.confidence) for one in found[:2]] == [("dhl", 0.98), ("dhl_parcel_de", 0.75)]
    assert found[0] == Candidate("dhl", "DHL Paket, 20 digits", 0.98)
    assert carriers_of("496143469658")[:2] == ["fedex", "purolator"]  # both check digits fit


@pytest.mark.parametrize("length", [*range(7, 22), 23, 24])
@settings(deadline=None, max_examples=30)
@given(data=st.data())
def test_digits_of_any_usual_length_have_a_candidate(length: int, data: st.DataObject) -> None:
    assert carriers_of(data.draw(st.text(string.digits, min_size=length, max_size=length)))


def test_dots_and_dashes_are_read_over_where_they_are_no_part_of_the_form() -> None:
    assert candidates(TrackingNumber("9865-7878-8855")) == candidates(TrackingNumber("986578788855"))
    assert carriers_of("1LS7100010000001-1")[0] == "lasership"


@settings(deadline=None)
@given(UPS_BODY)
def test_any_1z_number_with_its_check_digit_is_ups(body: str) -> None:
    assert candidates(with_digit(body)) == [Candidate("ups", "UPS 1Z", 0.99)]


@settings(deadline=None)
@given(UPS_BODY, st.integers(0, 15), st.integers(1, 9))
def test_a_1z_number_with_one_digit_changed_is_ups_with_little_confidence(body: str, place: int, change: int) -> None:
    number = with_digit(body)[2:]
    # UPS doubles every second character, so there a change by five adds ten: no check digit can see it.
    assume(number[place].isdigit() and not (place % 2 == 1 and place < 15 and change == 5))
    changed = str((int(number[place]) + change) % 10)

    found = candidates(TrackingNumber(f"1Z{number[:place]}{changed}{number[place + 1 :]}"))

    assert found == [Candidate("ups", "UPS 1Z; the check digit does not fit", 0.33)]


@each_checked
@settings(deadline=None, max_examples=25)
@given(data=st.data())
def test_any_number_with_its_check_digit_is_recognised(known: Format, data: st.DataObject) -> None:
    number = data.draw(valid_numbers(known))

    found = candidate_of(number, known.carrier)
    first = candidates(TrackingNumber(number))[0]

    assert found is not None
    assert found.confidence >= known.confidence
    assert first.carrier == known.carrier or first.confidence >= known.confidence
    if known.confidence >= OWN:
        assert first.carrier == known.carrier


@each_own
@settings(deadline=None, max_examples=25)
@given(data=st.data())
def test_one_changed_digit_lowers_the_confidence(known: Format, data: st.DataObject) -> None:
    number = data.draw(valid_numbers(known))
    changed = data.draw(st.sampled_from(mistyped(known, number)))
    assume(not any(fits(other, changed) for other in CHECKED if other.carrier == known.carrier))

    before, after = candidate_of(number, known.carrier), candidate_of(changed, known.carrier)

    assert before is not None
    assert after is None or after.confidence < before.confidence


@settings(deadline=None)
@given(st.sampled_from(sorted(POSTS)), st.integers(0, 10**8 - 1), st.sampled_from(["RB", "CP", "EE", "LX", "UA"]))
def test_an_s10_number_is_its_posts_in_every_country(country: str, serial: int, service: str) -> None:
    digit = next(digit for digit in string.digits if s10_mod11(f"{serial:08d}{digit}"))
    wrong = str((int(digit) + 1) % 10)

    found = candidates(TrackingNumber(f"{service}{serial:08d}{digit}{country}"))[0]
    unfit = candidate_of(f"{service}{serial:08d}{wrong}{country}", POSTS[country][0])

    assert (found.carrier, found.confidence) == (POSTS[country][0], 0.97)
    assert unfit is not None
    assert unfit.confidence == 0.3


@settings(deadline=None)
@given(
    st.one_of(
        st.text(ALNUM + "._-", min_size=4, max_size=40).filter(lambda text: text[0] not in "._-"),
        st.sampled_from(EVERY_FORMAT).flatmap(numbers_of),
    )
)
def test_any_number_gets_an_answer_in_order(text: str) -> None:
    found = candidates(tracking_number(text))

    assert [candidate.confidence for candidate in found] == sorted((c.confidence for c in found), reverse=True)
    assert len({candidate.carrier for candidate in found}) == len(found)
    assert all(0.04 < candidate.confidence < 1 for candidate in found)


# the tables


def test_every_format_is_a_judgement_between_0_and_1() -> None:
    assert all(0 < known.misfit < known.confidence < 1 for known in EVERY_FORMAT)
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", known.carrier) for known in EVERY_FORMAT)
    unmarked = [known for known in FORMATS if known.check is None and re.fullmatch(r"([adxhm][\d-]+ ?)+", known.form)]
    assert len(unmarked) > 20
    assert all(known.confidence < 0.5 for known in unmarked)


def test_every_carrier_of_the_trade_has_a_form() -> None:
    trade = """fedex ups usps dhl dhl_express dhl_parcel_de dhl_ecommerce canada_post purolator canpar australia_post
    royal_mail evri dpd gls la_poste colissimo chronopost postnl bpost postnord bring swiss_post hermes_de aramex
    asendia landmark ontrac lasership amazon sendle tnt yodel inpost"""

    assert set(trade.split()) <= {known.carrier for known in EVERY_FORMAT}


@pytest.mark.parametrize(
    ("form", "number", "length", "first"),
    [
        ("420 d5 (9[1-5] d20)", "420902109400111201080805483016", range(30, 31), "4"),
        ("GM|LX d10-12", "LX12345678901", range(12, 15), "GL"),
        ("[CD] (x2 a1)", "C1AZ", range(4, 5), "CD"),
        ("m8", "AAAAAAA1", range(8, 9), ALNUM),
    ],
)
def test_the_notation_of_forms(form: str, number: str, length: range, first: str) -> None:
    shape = shape_of(form)

    assert shape.pattern.fullmatch(number)
    assert (shape.lengths, shape.first) == (length, frozenset(first))


def test_a_form_outside_the_notation_is_refused() -> None:
    assert not shape_of("m8").pattern.fullmatch("12345678")
    with pytest.raises(ValueError, match="'1Z q7' is no form: ' q7' means nothing"):
        shape_of("1Z q7")


def test_the_benchmark_prints_a_row_for_the_mix_and_for_each_look() -> None:
    command = [sys.executable, str(DETECTION), "--json", "--numbers=200", "--rounds=1"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert rows[0]["form"] == "mixed"
    assert all(row.keys() == {"form", "numbersPerSecond"} and row["numbersPerSecond"] > 0 for row in rows)
