"""The benchmark runs and prints what it promises; how fast anything is, no test can say."""

import json
import subprocess
import sys
from pathlib import Path

THROUGHPUT = Path(__file__).parents[2] / "benchmarks" / "throughput.py"


def test_throughput_prints_a_row_for_each_carrier() -> None:
    sizes = ["--parcels=35", "--rounds=1", "--memory=35"]
    command = [sys.executable, str(THROUGHPUT), "--json", *sizes]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert [row.pop("carrier") for row in rows] == ["fedex", "ups"]
    for row in rows:
        assert row.keys() == {"parcelsPerSecond", "bareParcelsPerSecond", "ratio", "rssMb"}
        assert all(value > 0 for value in row.values()), row
