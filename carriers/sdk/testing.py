"""The contract every carrier passes, for this project's own carriers and for those of plug-in authors.

    @pytest.mark.parametrize("check", contract(MyCarrier, Path(__file__).parent / "my_carrier"), ids=str)
    def test_contract(check: Check) -> None:
        check()

The folder holds recorded answers and `cases.yaml`, which says what each of them means (fields of a case: see
`Case`). A key `deciding` beside the cases lists the payload's fields that may change a status. Checks are
named carrier-case-check and fail with an AssertionError that says what is wrong. Needs freezegun.

Owns the checks. Knows no carrier and no network.
"""

import os
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import parse_qsl, unquote
from xml.etree import ElementTree

import orjson
import yaml

from carriers.sdk.auth import NoAuth
from carriers.sdk.carrier import Aggregator, Carrier, read
from carriers.sdk.codes import TextRules
from carriers.sdk.damage import damages, field_names, items_about, leaves, shuffled
from carriers.sdk.enrolling import calls_by_carrier, enrolment_troubles, enrolments, idle_troubles, namings
from carriers.sdk.errors import CarrierError, NotFound
from carriers.sdk.events import ZoneSource
from carriers.sdk.exchange import Call, Reply
from carriers.sdk.numbers import TrackingNumber
from carriers.sdk.recorded import (
    Case,
    Subject,
    all_events,
    answer,
    load,
    newest_shipment,
    outcome,
    outcomes,
    type_trouble,
)
from carriers.sdk.registry import Factory
from carriers.sdk.rereading import fingerprints, rereading_troubles
from carriers.sdk.status import RECEIVED, FulfillmentStatus

__all__ = ["REQUIRED", "Case", "Check", "contract"]

#: The cases a carrier must have, and what at least one of a case's numbers must be expected to be.
REQUIRED: Mapping[str, frozenset[str]] = {
    "delivered": frozenset({"DELIVERED"}),
    "in_transit": frozenset({"IN_TRANSIT"}),
    "out_for_delivery": frozenset({"OUT_FOR_DELIVERY"}),
    "exception": frozenset({"DELAYED", "ON_HOLD", "ATTEMPTED_DELIVERY", "FAILURE"}),
    "returned": frozenset({"FAILURE"}),
    "not_found": frozenset({"NotFound"}),
    "bad_credentials": frozenset({"AuthFailed"}),
    "throttled": frozenset({"RateLimited"}),
}

#: The case whose `times` prove the carrier's clock rule: on both sides of a daylight-saving change, and in several
#: zones where the carrier's places lie in several.
CLOCK = "clock"

STRANGER = TrackingNumber("ZZ000000000STRANGER")
HOSTILE = TrackingNumber("A/B?C#D&E=F%41 <G>")
HTML = b"<!DOCTYPE html><html><head><title>Down for maintenance</title></head><body>Sorry</body></html>"


@dataclass(frozen=True, slots=True)
class Check:
    """One check of the contract, ready to run."""

    name: str
    run: Callable[[], None]

    def __call__(self) -> None:
        """Raises AssertionError where the carrier breaks the contract, or what the carrier let escape."""
        self.run()

    def __str__(self) -> str:
        return self.name


def contract(create: Factory, folder: Path) -> list[Check]:
    """All checks for the carrier that `create` makes (its class, or a YAML file's loader).

    `folder` holds cases.yaml and the payloads it names. A missing or wrong cases.yaml is a check that fails,
    never an error here.
    """
    carrier = create()
    code = carrier.info.code
    try:
        subject = load(create, folder)
    except (OSError, ValueError, yaml.YAMLError) as error:
        bare, problem = Subject(create, carrier, folder), f"{folder / 'cases.yaml'}: {error}"
        return [
            Check(f"{code}-cases can be read", _bound(_fail, problem)),
            *(_check(check, code, bare) for check in CHECKS_WITHOUT_CASES),
        ]
    return [
        *(_check(check, code, subject) for check in (*CHECKS_WITHOUT_CASES, *CARRIER_CHECKS)),
        *(
            _check(check, f"{code}-{name}", subject, case)
            for name, case in subject.cases.items()
            for check in CASE_CHECKS
        ),
    ]


def _check(check: Callable[..., None], prefix: str, *arguments: object) -> Check:
    return Check(f"{prefix}-{check.__name__.replace('_', ' ')}", _bound(check, *arguments))


def _bound(check: Callable[..., None], *arguments: object) -> Callable[[], None]:
    return lambda: check(*arguments)


def _fail(problem: str) -> None:
    raise AssertionError(problem)


def _same(what: str, came: object, expected: object) -> None:
    assert came == expected, f"{what}: {came}, expected {expected}"


# Checks of the carrier as a whole


def describes_itself(subject: Subject) -> None:
    """Info is complete and usable."""
    info = subject.carrier.info
    assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", info.code), f"code {info.code!r} is not lower_snake"
    assert info.name.strip(), "the carrier has no name"
    urls = {"docs": info.docs, "production": info.production, "tracking_page": info.tracking_page}
    for what, url in {**urls, "sandbox": info.sandbox or info.production}.items():
        assert url.startswith("https://"), f"{what} must be an https URL, it is {url!r}"
    assert not info.production.endswith("/"), "production ends in '/', and calls' paths start with one"
    assert "{number}" in info.tracking_page, f"tracking_page {info.tracking_page!r} has no {{number}}"
    assert info.batch >= 1, f"batch is {info.batch}"
    assert info.auth.fields or isinstance(info.auth, NoAuth), "auth names no credentials"
    if isinstance(subject.carrier, Aggregator):
        odd = [code for code, slug in subject.carrier.slugs.items() if not (re.fullmatch(r"[a-z0-9_]+", code) and slug)]
        assert not odd, f"slugs: no carriers' codes, or codes without a name: {odd}"


def table_is_clean(subject: Subject) -> None:
    """The code table holds something, and every code finds itself."""
    codes = subject.carrier.codes
    assert codes, "the code table is empty"
    lost = [code for code in codes if codes.meaning(code) != codes[code]]
    assert not lost, f"codes that do not find themselves (not upper case, or blanks inside): {lost}"
    assert any(meaning.status in RECEIVED for meaning in codes.values()), "no code says the parcel arrived"


def required_cases(subject: Subject) -> None:
    """Every situation is recorded that every carrier knows, and how it writes times."""
    assert CLOCK in subject.cases, f"cases.yaml lacks the case {CLOCK}"
    times = subject.cases[CLOCK].times or ()
    assert len(times) >= 3, f"case {CLOCK} tells the `times` of {len(times)} events, at least three are wanted"
    statuses = {meaning.status for meaning in subject.carrier.codes.values()}
    for name, wanted in REQUIRED.items():
        if name == "out_for_delivery" and FulfillmentStatus.OUT_FOR_DELIVERY not in statuses:
            continue
        assert name in subject.cases, f"cases.yaml lacks the case {name}"
        expected = set(subject.cases[name].expect.values())
        assert expected & wanted, f"case {name} expects {expected}, none of {sorted(wanted)}"


def deciding_fields_exist(subject: Subject) -> None:
    """`deciding` names only fields that the recorded answers have."""
    seen = {name for case in subject.cases.values() for name in field_names(subject.document(case))}
    assert subject.deciding <= seen, f"deciding: no answer has {sorted(subject.deciding - seen)}"


def calls(subject: Subject) -> None:
    """Calls for one number and for a full batch are well-formed, pure, and safe for hostile numbers."""
    for case in subject.cases.values():
        carrier = subject.carrier_for(case)
        first = TrackingNumber(case.numbers[0])
        batch = [TrackingNumber(f"{first[:-4]}{index:04d}") for index in range(carrier.info.batch)]
        for numbers in ([first], batch, [HOSTILE]):
            call = carrier.call(numbers)
            _well_formed(call, numbers)
            _same("the same call once more", carrier.call(numbers), call)
            by_carrier = list(calls_by_carrier(carrier, numbers))
            _same("the same calls by carrier once more", by_carrier[::2], by_carrier[1::2])
            for named in by_carrier:
                _well_formed(named, numbers)
                assert named.path.count("/") == call.path.count("/"), f"a carrier's code splits the path {named.path!r}"
        plain, hostile = carrier.call([first]).path, carrier.call([HOSTILE]).path
        assert hostile.count("/") == plain.count("/"), f"a number's '/' splits the path {hostile!r}"


def _well_formed(call: Call, numbers: Sequence[TrackingNumber]) -> None:
    _same("the numbers a call says it asks", call.numbers, tuple(numbers))
    assert call.method in ("GET", "POST"), f"method {call.method!r}"
    safe = re.fullmatch(r"/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2}|\{\{\w+\}\})*", call.path)
    assert safe, f"path {call.path!r} does not start with '/', or holds raw characters (use `segment`)"
    queried = [value for values in call.query.values() for value in ((values,) if isinstance(values, str) else values)]
    assert all(isinstance(value, str) for value in (*queried, *call.headers.values())), f"{call} holds no strings"
    for name, value in call.headers.items():
        assert "\n" not in value, f"header {name} has a line break"
        carried = name.lower() != "authorization" or "{{" in value
        assert carried, "credentials are added by whoever sends the call"
    sent = [unquote(call.path), *_field_texts(queried), *call.headers.values(), *_body_texts(call)]
    for number in numbers:
        assert any(number in text for text in sent), f"{number!r} is not in the call (path, query or body)"


def _body_texts(call: Call) -> list[str]:
    if call.body is None:
        return []
    if call.body.lstrip().startswith(b"<"):
        return _xml_texts(call.body)
    if call.headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded"):
        return _field_texts([value for _, value in parse_qsl(call.body.decode())])
    return [leaf for leaf in leaves(orjson.loads(call.body)) if isinstance(leaf, str)]


def _field_texts(values: Sequence[str]) -> list[str]:
    """The values of a query or a form, and what stands in those that are XML."""
    documents = [text for value in values if value.startswith("<") for text in _xml_texts(value.encode())]
    return [*values, *documents]


def _xml_texts(document: bytes) -> list[str]:
    root = ElementTree.fromstring(document)  # noqa: S314 - our own request, not an answer
    return [*root.itertext(), *(value for element in root.iter() for value in element.attrib.values())]


def another_clock_and_zone(subject: Subject) -> None:
    """Reading depends on the answer alone: twice the same, on another day, and elsewhere."""
    from freezegun import freeze_time

    def everything() -> list[tuple[object, ...]]:
        cases = subject.cases.values()
        reports = [report for case in cases for report in answer(subject.carrier_for(case), subject.reply(case))]
        return [(report.number, report.shipments, repr(report.error)) for report in reports]

    here = everything()
    assert everything() == here, "the same answers read twice come out differently"
    with freeze_time("2031-03-30 01:30:00"), _zone("Asia/Kathmandu"):
        assert everything() == here, "the result depends on the clock or on the machine's time zone"


@contextmanager
def _zone(name: str) -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = name
    time.tzset()
    try:
        yield
    finally:
        if before is None:
            del os.environ["TZ"]
        else:
            os.environ["TZ"] = before
        time.tzset()


def troubles(subject: Subject) -> None:
    """Every way an answer can fail gives the error that says whose trouble it is."""
    for name, case in subject.cases.items():
        recorded = subject.reply(case)
        is_tracking = _is_tracking(case)
        table = [
            ("an HTML page", 200, HTML, {"BadPayload"}),
            ("an empty body", 200, b"", {"BadPayload"}),
            ("a truncated body", 200, recorded.body[: len(recorded.body) // 2], {"BadPayload"}),
        ]
        for body in (b"", HTML, recorded.body)[: 3 if is_tracking else 2]:
            table += [
                ("credentials refused", 401, body, {"AuthFailed"}),
                ("forbidden", 403, body, {"AuthFailed", "RateLimited"}),
                ("too many requests", 429, body, {"RateLimited"}),
                *(("an outage", status, body, {"Unavailable"}) for status in (500, 502, 503)),
            ]
        for what, status, body, expected in table:
            reply = Reply(recorded.numbers, status, body, {**case.headers, "retry-after": "30"})
            for report in answer(subject.carrier_for(case), reply):
                told = f"case {name}, {what} (HTTP {status}, {body[:15]!r}…)"
                assert outcome(report) in expected, f"{told} gives {outcome(report)}, not {' or '.join(expected)}"
                after = report.error.retry_after if report.error else None
                assert status not in (429, 503) or after == 30, f"{told}: Retry-After 30 reads as {after}"


def _is_tracking(case: Case) -> bool:
    """Whether the answer tells of every number asked."""
    return not {error.__name__ for error in _subclasses(CarrierError)} & set(case.expect.values())


def _subclasses(root: type[CarrierError]) -> Iterator[type[CarrierError]]:
    yield root
    for child in root.__subclasses__():
        yield from _subclasses(child)


def items_are_found(subject: Subject) -> None:
    """`items`, where a carrier has it, finds the numbers asked in one answer to several of them at least."""
    asked = 0
    for case in subject.cases.values():
        carrier, recorded = subject.carrier_for(case), subject.reply(case)
        if carrier.items is None or carrier.info.batch == 1 or not _is_tracking(case):
            continue
        asked += 1
        if fingerprints(carrier, replace(recorded, numbers=(*recorded.numbers, STRANGER))):
            return
    assert not asked, f"items ({subject.carrier.items}) finds no number in any answer"


# Checks of one recorded answer


def as_expected(subject: Subject, case: Case) -> None:
    """The answer means what the case says."""
    reports = answer(subject.carrier_for(case), subject.reply(case))
    first, shipment = reports[0], newest_shipment(reports[0])
    errors = [f"{report.number}: {report.error}" for report in reports if report.error]
    unknown = sorted({code for report in reports for found in report.shipments for code in found.unmapped})
    why = "\n".join(["", *errors, *(f"the table lacks the code {code}" for code in unknown)])
    assert outcomes(reports) == case.expect, f"{case.reply}: {outcomes(reports)}, expected {case.expect}{why}"
    if case.events is not None:
        _same("number of events", len(shipment.events) if shipment else 0, case.events)
    if case.unmapped is not None:
        unmapped = {code for report in reports for found in report.shipments for code in found.unmapped}
        _same("unmapped codes", sorted(unmapped), sorted(case.unmapped))
    if case.estimated_delivery is not None:
        _same("estimated delivery", shipment and shipment.estimated_delivery, case.estimated_delivery)
    if case.times is not None:
        told = [event.occurred_at.isoformat() for event in shipment.events] if shipment else []
        _same("times of the events", told, [moment.isoformat() for moment in case.times])
    if case.signed_by is not None:
        _same("signed by", shipment and shipment.signed_by, case.signed_by)
    if case.retry_after is not None:
        _same("retry after", first.error and first.error.retry_after, case.retry_after)


def events_well_formed(subject: Subject, case: Case) -> None:
    """Times are aware, codes look themselves up, places have ISO countries, nobody's name is in a text."""
    carrier = subject.carrier_for(case)
    reports = answer(carrier, subject.reply(case))
    assert not (trouble := type_trouble(reports)), trouble
    names = [found.signed_by for report in reports for found in report.shipments if found.signed_by]
    members = {**vars(type(carrier)), **vars(carrier)}.values()
    rules = [member for member in members if isinstance(member, TextRules)]
    for _, event in all_events(reports):
        assert event.zone in ZoneSource, f"{event.code}: zone {event.zone!r}"
        meant = carrier.codes.meaning(event.code)
        if not any(rule.meaning(event.description) == event.meaning for rule in rules):
            _same(f"what {event.code!r} looks up as", meant, event.meaning)
        country = event.place.country if event.place else ""
        assert re.fullmatch(r"([A-Z]{2})?", country), f"{country!r} is no ISO 3166-1 alpha-2 country"
        assert not any(name in event.description for name in names), "a signer's name is in a description"


def one_report_each(subject: Subject, case: Case) -> None:
    """One Report for each number; a number left out is NotFound; an answer can be read unasked."""
    carrier, recorded = subject.carrier_for(case), subject.reply(case)
    before = answer(carrier, recorded)
    _same("numbers reported", [report.number for report in before], list(recorded.numbers))
    asked = (*recorded.numbers, STRANGER) if carrier.info.batch > 1 else (STRANGER,)
    reports = answer(carrier, Reply(asked, recorded.status, recorded.body, recorded.headers))
    _same("numbers reported with one more asked", tuple(report.number for report in reports), asked)
    if carrier.info.batch > 1 and not all(report.error for report in before):
        stranger = reports.pop()
        assert isinstance(stranger.error, NotFound), f"a number left out is {outcome(stranger)}, not NotFound"
        _same("the others, with one more asked", outcomes(reports), outcomes(before))
    try:
        unasked = read(carrier, Reply((), recorded.status, recorded.body, recorded.headers))
    except CarrierError:
        return
    known = {number: word for number, word in outcomes(unasked).items() if number in recorded.numbers}
    _same("read without the numbers asked", known, {number: outcomes(before)[number] for number in known})


def any_order(subject: Subject, case: Case) -> None:
    """An event stays the same event (instant, code, place) in whatever order the answer lists things."""
    carrier, recorded, document = subject.carrier_for(case), subject.reply(case), subject.document(case)

    def identities(body: bytes) -> set[tuple[object, ...]]:
        reports = answer(carrier, Reply(recorded.numbers, recorded.status, body, recorded.headers))
        return {(number, event.occurred_at, event.code, event.place) for number, event in all_events(reports)}

    expected, encode = identities(recorded.body), subject.encoding(case)
    chance = random.Random(case.reply)  # noqa: S311 - the same shuffle every time
    for _ in range(5 if document is not None else 0):
        other = identities(encode(shuffled(document, chance)))
        assert other == expected, f"another order makes other events: {sorted(map(str, other ^ expected))}"


def only_strangers_are_enrolled(subject: Subject, case: Case) -> None:
    """An aggregator enrols numbers that, by its answer, it does not know: each once, with well-formed calls."""
    carrier, recorded = subject.carrier_for(case), subject.reply(case)
    before = outcomes(answer(carrier, recorded))
    troubles = [*enrolment_troubles(carrier, recorded, before), *idle_troubles(carrier, recorded)]
    assert not troubles, "\n".join(troubles[:10])
    for call in (call for code in namings(carrier) for call in enrolments(carrier, recorded, code)):
        _well_formed(call, call.numbers)


def any_damage(subject: Subject, case: Case) -> None:
    """Any field deleted or replaced: a CarrierError at worst, of the one number, and often no change at all."""
    document = subject.document(case)
    if document is None:
        return
    carrier, recorded = subject.carrier_for(case), subject.reply(case)
    before = outcomes(answer(carrier, recorded))
    items = items_about(document, before)
    failures: list[str] = []
    for damage in damages(document, subject.encoding(case)):
        about = next((number for path, number in items.items() if damage.path.startswith(path)), None)
        unchanged = {number: word for number, word in before.items() if about not in (None, number)}
        if damage.missing and damage.fields and not damage.fields & subject.deciding:
            unchanged = before
        reply = Reply(recorded.numbers, recorded.status, damage.body, recorded.headers)
        if trouble := _trouble(carrier, reply, unchanged):
            failures.append(f"{damage.path} {damage.how}: {trouble}")
    shown = "\n".join(failures[:10])
    assert not failures, f"{len(failures)} damages are not survived, such as\n{shown}"


def _trouble(carrier: Carrier, reply: Reply, unchanged: Mapping[str, str | None]) -> str | None:
    try:
        reports = answer(carrier, reply)
        after = outcomes(reports)
        trouble = type_trouble(reports) or next(enrolment_troubles(carrier, reply, after), None)
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:200]}"
    if [report.number for report in reports] != list(reply.numbers):
        return "not one Report for each number, in order"
    for number, word in unchanged.items():
        if after[number] != word:
            return f"{number} was {word}, is {after[number]} (name the field under `deciding:` if it decides)"
    return trouble


def only_news_is_read(subject: Subject, case: Case) -> None:
    """An answer read before is unchanged, number by number; what changed, or other rules, make it be read."""
    carrier, recorded = subject.carrier_for(case), subject.reply(case)
    if not 200 <= recorded.status < 300:
        return
    for asked in (recorded.numbers, (*recorded.numbers, STRANGER))[: 2 if carrier.info.batch > 1 else 1]:
        troubles = list(rereading_troubles(carrier, replace(recorded, numbers=asked), subject.document(case)))
        assert not troubles, "\n".join(troubles[:10])


CHECKS_WITHOUT_CASES: tuple[Callable[[Subject], None], ...] = (describes_itself, table_is_clean)
CARRIER_CHECKS: tuple[Callable[[Subject], None], ...] = (
    required_cases,
    deciding_fields_exist,
    calls,
    another_clock_and_zone,
    troubles,
    items_are_found,
)
CASE_CHECKS: tuple[Callable[[Subject, Case], None], ...] = (
    as_expected,
    events_well_formed,
    one_report_each,
    any_order,
    only_news_is_read,
    only_strangers_are_enrolled,
    any_damage,
)
