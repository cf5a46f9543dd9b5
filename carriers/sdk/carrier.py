"""What a carrier is: facts about it (Info), and two pure functions (call, parse).

Owns the protocol and `read`, the one door through which an answer becomes Reports. Knows no HTTP library,
no clock and no database.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from carriers.sdk.auth import Auth
from carriers.sdk.codes import Codes
from carriers.sdk.errors import NotFound, NumberError
from carriers.sdk.events import Report
from carriers.sdk.exchange import Call, Reply, segment
from carriers.sdk.hooks import Hook
from carriers.sdk.numbers import TrackingNumber
from carriers.sdk.unchanged import Items, ReadBefore, sift


@dataclass(frozen=True, slots=True)
class Quota:
    """How often a carrier may be asked. None = no such limit known."""

    per_second: float | None = None
    """Below 1 for slow ones: 0.2 is one call in five seconds."""
    per_hour: int | None = None
    per_day: int | None = None
    counts_tokens: bool = False
    """Whether calls to the token endpoint use up the same quota."""
    fixed: bool = False
    """Whether the carrier's hours and days begin on the clock, in UTC; else any span of that length counts."""


@dataclass(frozen=True, slots=True)
class Info:
    """Facts about a carrier's tracking API."""

    code: str
    name: str
    docs: str
    auth: Auth
    production: str
    sandbox: str | None
    tracking_page: str
    """Public page for people, with `{number}` in it."""
    batch: int = 1
    """Numbers a call can ask about."""
    quota: Quota = field(default_factory=Quota)
    names: tuple[str, ...] = ()
    """How merchants write the carrier in `trackingCompany`, beside `name`; case and ®™ do not matter."""

    def tracking_url(self, number: TrackingNumber) -> str:
        """The public page that shows this number to a person."""
        return self.tracking_page.replace("{number}", segment(number))


class CarrierOptions(BaseModel):
    """Settings of one carrier beyond credentials and quota; none unless a carrier says so."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
    required: ClassVar[tuple[str, ...]] = ()
    """Names of those without which the carrier can't be asked; they default to nothing."""


class Carrier(ABC):
    """One carrier's API: what to ask, and how to read the answer. Both functions are pure."""

    info: Info
    codes: Codes
    items: Items | None = None
    """Where the answer to a batch lists what it says of each number, if it is JSON with such a list."""
    hook: ClassVar[Hook | None] = None
    """What it is like when the carrier delivers by itself, where it does."""
    Options: ClassVar[type[CarrierOptions]] = CarrierOptions

    def __init__(self, options: CarrierOptions | None = None) -> None:
        """`options`: an instance of the class's own `Options`; its defaults where left out."""
        self.options = options or self.Options()

    @property
    def read_by(self) -> str:
        """Stands for all that answers are read by, beside the program: where it changes, what was read before is
        read again."""
        return repr((sorted(self.codes.items()), self.options))

    @abstractmethod
    def call(self, numbers: Sequence[TrackingNumber]) -> Call:
        """The request that asks about these numbers, 1 to `info.batch` of them."""

    @abstractmethod
    def parse(self, reply: Reply) -> Iterable[Report]:
        """What the answer says, a Report for each number it speaks of, in any order.

        A number's own trouble is the `error` of its Report. Raises CarrierError where the answer as a whole
        is of no use, and nothing else, whatever the payload.
        """


class Aggregator(Carrier):
    """A carrier that tells of other carriers' parcels.

    Its codes are its own; a parcel polled through it keeps its carrier.
    """

    slugs: ClassVar[Mapping[str, str]] = {}
    """Our code of a carrier -> the aggregator's name for it. A carrier that is missing here is left for the
    aggregator to recognise, where it can."""

    @abstractmethod
    def call_for(self, numbers: Mapping[TrackingNumber, str]) -> Call:
        """The request about these numbers; each with the code of its carrier, '' where nobody knows."""

    def call(self, numbers: Sequence[TrackingNumber]) -> Call:
        """The request about numbers of unknown carriers."""
        return self.call_for(dict.fromkeys(numbers, ""))

    def enrol(self, reply: Reply, numbers: Mapping[TrackingNumber, str]) -> Iterable[Call]:
        """The calls that make the aggregator follow those of the numbers asked which, by its answer, it does not
        follow yet. None unless an aggregator says so."""
        return ()


def read(carrier: Carrier, reply: Reply, before: ReadBefore | None = None) -> list[Report]:
    """Read an answer: exactly one Report for each number asked, in the order asked.

    A number the answer leaves out is NotFound; one it volunteers is dropped. Where nobody knows what was
    asked (`reply.numbers` empty), every number the answer speaks of is reported. `before`: what was read
    before; a number of which the answer says the same is reported as unchanged, and not read again. Raises
    CarrierError where the answer as a whole is of no use.
    """
    if before is None or not reply.numbers:
        found = _parsed(carrier, reply)
        return found if not reply.numbers else _aligned(carrier, reply, found)
    sifted = sift(reply, carrier.items, before)
    rest = sifted.rest
    told = _aligned(carrier, rest, _parsed(carrier, rest)) if rest.numbers else []
    by_number = {report.number: report for report in told}
    return [
        Report(number, fingerprint=sifted.fingerprints[number], unchanged=True)
        if number in sifted.unchanged
        else replace(by_number[number], fingerprint=sifted.fingerprints.get(number, ""))
        for number in reply.numbers
    ]


def _parsed(carrier: Carrier, reply: Reply) -> list[Report]:
    try:
        return list(carrier.parse(reply))
    except NumberError as error:
        if not reply.numbers:
            raise
        return [Report(number, error=error) for number in reply.numbers]


def _aligned(carrier: Carrier, reply: Reply, found: list[Report]) -> list[Report]:
    by_number: dict[str, Report] = {}
    for report in found:
        by_number.setdefault(report.number, report)
    return [
        by_number.get(number) or Report(number, error=NotFound(f"{carrier.info.name} left the number out"))
        for number in reply.numbers
    ]
