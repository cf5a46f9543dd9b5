"""What a carrier is: facts about it (Info), two pure functions (call, parse), and its credentials.

Owns the protocol and `read`, the one door through which an answer becomes Reports. Knows no HTTP library,
no clock and no database.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, SecretStr, create_model

from carriers.sdk.codes import Codes
from carriers.sdk.errors import NotFound, NumberError
from carriers.sdk.events import Report
from carriers.sdk.exchange import Call, Reply, segment
from carriers.sdk.numbers import TrackingNumber
from carriers.sdk.unchanged import Items, ReadBefore, sift


class Credentials(BaseModel):
    """Secrets of one account; the fields bear the names the carrier's own portal uses."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    def secret(self, name: str) -> str:
        """The value of one field, in clear: for the request that needs it, and for nothing else."""
        value: SecretStr = getattr(self, name)
        return value.get_secret_value()


@dataclass(frozen=True, slots=True)
class OAuth2:
    """Client-credentials grant. The token is sent as `Authorization: Bearer`."""

    token_path: str
    """Relative to the base URL, or absolute."""
    id_field: str = "client_id"
    secret_field: str = "client_secret"  # noqa: S105 - the name of a field
    sends: Literal["form", "json", "basic"] = "form"
    """How id and secret travel: form fields, JSON fields, or HTTP Basic with the grant as a form."""

    name: ClassVar[str] = "oauth2"

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the credentials, as config.yaml has them."""
        return (self.id_field, self.secret_field)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key in a header of every request."""

    header: str
    key_field: str = "api_key"

    name: ClassVar[str] = "api_key"

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the credentials, as config.yaml has them."""
        return (self.key_field,)


@dataclass(frozen=True, slots=True)
class Basic:
    """HTTP Basic."""

    user_field: str = "username"
    password_field: str = "password"  # noqa: S105 - the name of a field

    name: ClassVar[str] = "basic"

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the credentials, as config.yaml has them."""
        return (self.user_field, self.password_field)


Auth = OAuth2 | ApiKey | Basic


def credentials_model(auth: Auth) -> type[Credentials]:
    """The pydantic model that config.yaml's credentials of such a carrier are checked with."""
    fields: dict[str, tuple[type[SecretStr], object]] = dict.fromkeys(auth.fields, (SecretStr, ...))
    return create_model(f"{type(auth).__name__}Credentials", __base__=Credentials, **fields)  # type: ignore[call-overload, no-any-return]


@dataclass(frozen=True, slots=True)
class Quota:
    """How often a carrier may be asked. None = no such limit known."""

    per_second: float | None = None
    """Below 1 for slow ones: 0.2 is one call in five seconds."""
    per_hour: int | None = None
    per_day: int | None = None
    counts_tokens: bool = False
    """Whether calls to the token endpoint use up the same quota."""


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


class Carrier(ABC):
    """One carrier's API: what to ask, and how to read the answer. Both functions are pure."""

    info: Info
    codes: Codes
    items: Items | None = None
    """Where the answer to a batch lists what it says of each number, if it is JSON with such a list."""
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
