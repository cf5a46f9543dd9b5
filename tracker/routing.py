"""Where a parcel is asked about: which accounts may, and which comes after which.

Owns the rules of `routes:` and what they come to for a parcel. Pure: knows no database and no network.

A *source* is what a parcel is asked at: a carrier's code (all accounts of that carrier that no rule names, which
share its parcels by the calls they have left), or the name of one account. A parcel's sources are tried in order.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Annotated, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from carriers.sdk.numbers import TrackingNumber, candidates

#: A number's form must speak for a carrier at least so much before a parcel is tried there.
LIKELY = 0.2

ANY = "*"


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


Words = Annotated[tuple[str, ...], BeforeValidator(_listed)]


class Route(BaseModel):
    """One rule: which parcels, and where they are asked about. What is left out fits every parcel."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    carrier: Words = Field((ANY,), description="Codes of the parcels' carriers; * is any.", min_length=1)
    country: Words = Field((), description="Destination, ISO 3166-1 alpha-2.")
    service: Words = Field((), description="Words of trackingCompany as the merchant writes it, such as economy.")
    tag: Words = Field((), description="Tags of the order.")
    through: Words = Field(
        description="Accounts in the order they are tried: a carrier's code, or carrier/account for one of several.",
        min_length=1,
    )

    def fits(self, parcel: "Facts") -> bool:
        """Whether the rule is about this parcel."""
        company = parcel.company.casefold()
        return (
            (ANY in self.carrier or parcel.carrier in self.carrier)
            and (not self.country or parcel.country.upper() in {word.upper() for word in self.country})
            and (not self.service or any(word.casefold() in company for word in self.service))
            and (not self.tag or not {word.casefold() for word in self.tag}.isdisjoint(parcel.tags))
        )


class Facts(NamedTuple):
    """What rules can ask of a parcel. `tags` are casefolded."""

    carrier: str
    company: str = ""
    country: str = ""
    tags: Collection[str] = ()


class Routes:
    """The rules, applied to the accounts there are."""

    def __init__(self, rules: Sequence[Route] = (), accounts: Mapping[str, str] | None = None) -> None:
        """`accounts`: name -> carrier of those that are polled."""
        self._rules = rules
        self._accounts = accounts or {}
        named = {source for rule in rules for source in rule.through}
        self._serving: dict[str, list[str]] = {}
        for name, carrier in self._accounts.items():
            self._serving.setdefault(name, []).append(name)
            if name != carrier and name not in named:
                self._serving.setdefault(carrier, []).append(name)
        self.tags = frozenset(tag.casefold() for rule in rules for tag in rule.tag)
        """The tags that any rule asks for."""

    def sources(self, parcel: Facts) -> tuple[str, ...]:
        """Where a parcel is asked about, in order: by the first rule that fits, else by its carrier's accounts.

        A source without an account that is polled is left out while there are others.
        """
        rule = next((rule for rule in self._rules if rule.fits(parcel)), None)
        through = rule.through if rule else (parcel.carrier,)
        return tuple(source for source in through if source in self._serving) or through[:1]

    @property
    def carriers(self) -> Collection[str]:
        """The carriers that have an account."""
        return frozenset(self._accounts.values())

    @property
    def all_sources(self) -> Collection[str]:
        """Every source that an account serves."""
        return self._serving.keys()

    def served_by(self, account: str) -> tuple[str, ...]:
        """The sources that an account serves."""
        return tuple(source for source, accounts in self._serving.items() if account in accounts)

    def accounts_of(self, source: str) -> Sequence[str]:
        """The accounts that serve a source."""
        return self._serving.get(source, ())

    def elsewhere(self, number: TrackingNumber, besides: Iterable[str]) -> tuple[str, ...]:
        """Other carriers that a number may belong to by its form, likeliest first, and that have an account."""
        return tuple(
            found.carrier
            for found in candidates(number)
            if found.confidence >= LIKELY and found.carrier in self._serving and found.carrier not in besides
        )


#: Every parcel at its own carrier.
DIRECT = Routes()


def order_tags(text: str) -> frozenset[str]:
    """The tags of an order, comma-separated, as rules compare them."""
    return frozenset(tag.casefold() for part in text.split(",") if (tag := part.strip()))
