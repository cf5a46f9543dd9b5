"""Finds carriers through one door: Python files, YAML files, and plug-ins' entry points.

A carrier is a file `carriers/<code>.py` that defines a Carrier, a file `carriers/<code>.yaml`, or an entry
point in the group `fulfillment_tracker.carriers` that names a Carrier class or a YAML file's path. Nothing
is registered anywhere else.
"""

import importlib
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path
from typing import Literal, Protocol

import carriers
from carriers.sdk.carrier import Aggregator, Carrier, CarrierOptions, Info
from carriers.sdk.codes import Codes
from carriers.sdk.declarative import DeclarativeCarrier

ENTRY_POINTS = "fulfillment_tracker.carriers"

Kind = Literal["python", "yaml", "plugin"]


class Factory(Protocol):
    """Makes a carrier, with its own options where it has some."""

    def __call__(self, options: CarrierOptions | None = None) -> Carrier: ...


@dataclass(frozen=True, slots=True)
class Registered:
    """A known carrier: where it comes from and how to make one."""

    kind: Kind
    create: Factory
    options: type[CarrierOptions]
    info: Info
    codes: Codes
    aggregator: bool
    """Whether it tells of other carriers' parcels."""


class UnknownCarrier(LookupError):
    """No carrier of that code; the message lists the known ones."""


@cache
def known_carriers() -> Mapping[str, Registered]:
    """Every carrier by its code, in alphabetical order. Raises ValueError where two claim one code."""
    found: dict[str, Registered] = {}
    package = files(carriers)
    for entry in sorted(package.iterdir(), key=lambda entry: entry.name):
        stem, _, suffix = entry.name.rpartition(".")
        if suffix == "py" and stem != "__init__":
            _add(found, "python", _class_in(f"carriers.{stem}"))
        elif suffix == "yaml":
            _add(found, "yaml", partial(DeclarativeCarrier.load, Path(str(entry))))
    for point in entry_points(group=ENTRY_POINTS):
        loaded = point.load()
        _add(found, "plugin", partial(DeclarativeCarrier.load, Path(loaded)) if isinstance(loaded, str) else loaded)
    return dict(sorted(found.items()))


def carrier(code: str, options: CarrierOptions | None = None) -> Carrier:
    """The carrier of that code. Raises UnknownCarrier."""
    try:
        registered = known_carriers()[code]
    except KeyError:
        raise UnknownCarrier(f"unknown carrier {code!r}; known: {', '.join(known_carriers())}") from None
    return registered.create(options)


def known_infos() -> Mapping[str, Info]:
    """The facts of every carrier by its code."""
    return {code: registered.info for code, registered in known_carriers().items()}


def _class_in(module_name: str) -> type[Carrier]:
    module = importlib.import_module(module_name)
    classes = [
        member
        for _, member in inspect.getmembers(module, inspect.isclass)
        if issubclass(member, Carrier) and member.__module__ == module_name
    ]
    if len(classes) != 1:
        raise ValueError(f"{module_name} must define exactly one Carrier, it defines {len(classes)}")
    return classes[0]


def _add(found: dict[str, Registered], kind: Kind, create: Factory) -> None:
    made = create()
    code = made.info.code
    if code in found:
        raise ValueError(f"two carriers claim the code {code!r}")
    found[code] = Registered(kind, create, type(made).Options, made.info, made.codes, isinstance(made, Aggregator))
