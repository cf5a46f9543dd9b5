"""The freshness benchmark runs, prints what it promises, and the cadence is far ahead even of a few parcels."""

import json
import subprocess
import sys
from pathlib import Path

FRESHNESS = Path(__file__).parents[2] / "benchmarks" / "freshness.py"


def test_freshness_prints_a_row_for_each_policy_and_budget() -> None:
    command = [sys.executable, str(FRESHNESS), "--quick", "--json", "--parcels=150", "--policies=fixed,tiers,shipped"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    rows = {(row["policy"], row["callsPerParcel"]): row for row in json.loads(done.stdout)}
    assert rows.keys() == {(policy, calls) for policy in ("fixed", "tiers", "shipped") for calls in (8, 16)}
    for row in rows.values():
        assert {"batch", "meanHours", "p95Hours", "valuableMeanHours", "valuableP95Hours", "scenario"} < row.keys()
    for calls in (8, 16):
        delays = {policy: rows[policy, calls]["valuableMeanHours"] for policy in ("fixed", "tiers", "shipped")}
        assert delays["shipped"] < 0.6 * delays["tiers"] < delays["tiers"] < delays["fixed"]
