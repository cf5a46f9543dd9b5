"""What the tests of polls share."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from tests.integration.bench import Bench
from tests.integration.network import Network


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.close()


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Callable[..., Network]]:
    """Makes a Network."""
    made: list[Network] = []

    def make(*arguments: Any, **options: Any) -> Network:
        made.append(Network(tmp_path, *arguments, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture(autouse=True)
def _logs_as_they_come() -> None:
    """No test logs as an earlier one had it configured."""
    structlog.reset_defaults()
