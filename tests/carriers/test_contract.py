"""The contract of carriers.sdk.testing over every carrier there is. Adding a carrier adds nothing here."""

from pathlib import Path

import pytest

from carriers.sdk.registry import known_carriers
from carriers.sdk.testing import Check, contract

CASES = Path(__file__).parent
OWN = {code: known for code, known in known_carriers().items() if known.kind != "plugin"}
CHECKS = [check for code, known in OWN.items() for check in contract(known.create, CASES / code)]


@pytest.mark.parametrize("check", CHECKS, ids=str)
def test_contract(check: Check) -> None:
    check()


def test_every_folder_of_cases_belongs_to_a_carrier() -> None:
    folders = {path.parent.name for path in CASES.glob("*/cases.yaml")}

    assert folders == set(OWN)
