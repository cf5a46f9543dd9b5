"""What is asked of an aggregator beyond a carrier's calls, and what goes wrong with it: for the contract's checks.

Owns the ways to name carriers to an aggregator, and the rules of enrolment. Knows no case and no particular carrier.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from carriers.sdk.carrier import Aggregator, Carrier
from carriers.sdk.exchange import Call, Reply
from carriers.sdk.numbers import TrackingNumber

#: A carrier no aggregator has heard of.
NEWCOMER = "pigeon_post"

#: HTTP status and body of answers that say nothing of any number.
_SAYS_NOTHING = (
    *((200, body) for body in (b"", b"<html>Sorry</html>", b'{"data":', b"{}", b"[]", b"null")),
    *((status, b"") for status in (401, 403, 404, 429, 500, 502, 503)),
    *((status, b"{}") for status in (401, 403, 429, 500, 502, 503)),
)


def namings(carrier: Carrier) -> Sequence[str]:
    """Codes to ask an aggregator with: none, one it has a name for, and one it has none for; () for a plain carrier."""
    return ("", *sorted(carrier.slugs)[:1], NEWCOMER) if isinstance(carrier, Aggregator) else ()


def calls_by_carrier(carrier: Carrier, numbers: Sequence[TrackingNumber]) -> Iterator[Call]:
    """The calls of an aggregator about these numbers, by each naming; each twice in a row."""
    if isinstance(carrier, Aggregator):
        for code in namings(carrier):
            for _ in range(2):
                yield carrier.call_for(dict.fromkeys(numbers, code))


def enrolments(carrier: Carrier, reply: Reply, code: str = "") -> list[Call]:
    """What an aggregator wants to send after this answer, all numbers being of that carrier."""
    asked = dict.fromkeys(reply.numbers, code)
    return list(carrier.enrol(reply, asked)) if isinstance(carrier, Aggregator) else []


def enrolment_troubles(carrier: Carrier, reply: Reply, outcomes: Mapping[str, str | None]) -> Iterator[str]:
    """What is wrong with the enrolments after this answer. `outcomes`: what it is read as, number by number."""
    for code in namings(carrier):
        calls = enrolments(carrier, reply, code)
        if enrolments(carrier, reply, code) != calls:
            yield "the same answer enrols differently the second time"
        enrolled = [number for call in calls for number in call.numbers]
        if len(set(enrolled)) < len(enrolled):
            yield f"enrolled twice: {enrolled}"
        for number in enrolled:
            if outcomes.get(number) != "NotFound":
                yield f"{number} is enrolled, and it is {outcomes.get(number, 'not one of those asked')}"


def idle_troubles(carrier: Carrier, reply: Reply) -> Iterator[str]:
    """Answers that say nothing of any number enrol none."""
    for status, body in _SAYS_NOTHING:
        if enrolments(carrier, replace(reply, status=status, body=body, decoded=None)):
            yield f"HTTP {status} with {body!r} enrols numbers"
