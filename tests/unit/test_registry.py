"""Carriers come in through one door: files beside the SDK, and plug-ins' entry points."""

import subprocess
import sys
from pathlib import Path

import pytest

from carriers.sdk import Info
from carriers.sdk.registry import UnknownCarrier, carrier, known_carriers, known_infos

PLUGIN = """
from carriers.sdk import ApiKey, Call, Carrier, Codes, Info

class Pigeon(Carrier):
    info = Info(code="{code}", name="Pigeon Post", docs="https://pigeon.example/docs", auth=ApiKey("X-Pigeon"),
                production="https://pigeon.example", sandbox=None, tracking_page="https://pigeon.example/{{number}}")
    codes = Codes(DELIVERED="COO")

    def call(self, numbers):
        return Call.get(numbers, "/coops")

    def parse(self, reply):
        return []
"""


def listing(tmp_path: Path, code: str) -> subprocess.CompletedProcess[str]:
    """What a fresh process finds with a plug-in of that carrier code installed."""
    (tmp_path / "pigeon.py").write_text(PLUGIN.format(code=code))
    meta = tmp_path / "pigeon-1.0.dist-info"
    meta.mkdir()
    (meta / "METADATA").write_text("Metadata-Version: 2.1\nName: pigeon\nVersion: 1.0\n")
    (meta / "entry_points.txt").write_text("[fulfillment_tracker.carriers]\npigeon = pigeon:Pigeon\n")
    script = "from carriers.sdk.registry import known_carriers as k; print({c: r.kind for c, r in k().items()})"
    return subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.append({str(tmp_path)!r}); {script}"],
        capture_output=True,
        text=True,
        check=False,
    )


def test_files_of_both_kinds_are_found() -> None:
    kinds = {code: known.kind for code, known in known_carriers().items()}
    assert {
        "fedex": "python",
        "ups": "python",
        "usps": "python",
        "dhl": "python",
        "gls": "yaml",
    }.items() <= kinds.items()
    assert all(isinstance(info, Info) and info.code == code for code, info in known_infos().items())


def test_a_plugin_is_found_by_its_entry_point(tmp_path: Path) -> None:
    assert "'pigeon': 'plugin'" in listing(tmp_path, "pigeon").stdout


def test_a_code_belongs_to_one_carrier(tmp_path: Path) -> None:
    assert "two carriers claim the code 'fedex'" in listing(tmp_path, "fedex").stderr


def test_an_unknown_carrier_names_the_known_ones() -> None:
    with pytest.raises(UnknownCarrier, match=r"unknown carrier 'fedx'; known: .*fedex"):
        carrier("fedx")
