"""The carriers of the sandbox, each in the words and the wire format of its own documentation."""

from typing import Any

from tracker.sandbox.carriers.carrier import SandboxCarrier
from tracker.sandbox.carriers.dhl import Dhl
from tracker.sandbox.carriers.fedex import FedEx
from tracker.sandbox.carriers.ups import Ups
from tracker.sandbox.carriers.usps import Usps

CARRIERS: dict[str, SandboxCarrier[Any]] = {carrier.code: carrier for carrier in (FedEx(), Ups(), Usps(), Dhl())}

__all__ = ["CARRIERS", "SandboxCarrier"]
