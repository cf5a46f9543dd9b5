"""The API against its own description: whatever fits it is taken, whatever does not is refused, and all answers are
of the form it tells. The requests are schemathesis's."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson
import pytest
import schemathesis
from schemathesis.engine import from_schema
from schemathesis.engine.events import FatalError, NonFatalError, ScenarioFinished

from carriers.sdk.exchange import Call, Reply
from carriers.sdk.status import FulfillmentStatus
from tests.integration.api_bench import NOW, ApiBench, fulfillment, order, reply
from tracker.web.api import description

#: Requests of each kind for one operation: with data that fits, and with data that does not.
EXAMPLES = 30
OPERATIONS = 12


class Strict:
    """An Order Protection that takes what fits the description, once, and knows a few orders."""

    def __init__(self, schemas: dict[str, Any]) -> None:
        bodies = {
            ("POST", 3): "Order",
            ("PUT", 4): "OrderChange",
            ("POST", 5): "NewFulfillment",
            ("PUT", 6): "NewStatus",
        }
        self._checks = {
            kind: jsonschema_rs.validator_for(
                {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}}, validate_formats=True
            )
            for kind, name in bodies.items()
        }

    def answer(self, call: Call) -> Reply:
        kind = (call.method, len(call.path.partition("?")[0].split("/")))
        if call.method == "GET":
            return reply(200, b"[]")
        try:
            fits = self._checks[kind].is_valid(orjson.loads(call.body or b""))
        except orjson.JSONDecodeError:
            fits = False
        return reply(201 if call.method == "POST" else 200) if fits else reply(400, b'{"message":"bad body"}')


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiBench]:
    bench = ApiBench(tmp_path_factory.mktemp("api"), names=["testserver"])
    bench.answer = Strict(description(bench.app)["components"]["schemas"]).answer
    bench.take(
        *(order(f"#{number}", fulfillment(f"F-{number}", f"79460000{number:04}")) for number in range(1000, 1030)),
        order("#/ %", fulfillment("a/b #?%", "1Z999AA10123456784", trackingCompany="UPS")),
        order("twice", fulfillment("F-1000", "794600009999")),
        order("nobody", fulfillment("F-nobody", "X12345678", trackingCompany="Pigeon Post")),
    )
    for number, status in enumerate(FulfillmentStatus):
        bench.become(f"F-{number + 1001}", status)
    yield bench
    bench.close()


def test_the_api_does_what_its_description_says(bench: ApiBench) -> None:
    headers = {"Authorization": f"Bearer {bench.token(expires_at=NOW + timedelta(days=1))}"}
    config = schemathesis.Config.from_dict(
        {
            "headers": headers,
            "continue-on-failure": True,
            "generation": {"deterministic": True, "max-examples": EXAMPLES},
            "phases": {"stateful": {"generation": {"max-examples": 5}}},
        }
    )
    schema = schemathesis.openapi.from_asgi("/api/openapi.json", bench.app, config=config, headers=headers)
    asked, wrong = Counter[str](), []
    for event in from_schema(schema).execute():
        if isinstance(event, NonFatalError | FatalError):
            wrong.append(str(event))
        if isinstance(event, ScenarioFinished):
            for case, checks in event.recorder.checks.items():
                asked[event.recorder.cases[case].value.operation.label] += 1
                for check in checks:
                    if check.failure_info is not None:
                        wrong.append(f"{check.failure_info.failure}\n{check.failure_info.code_sample}")
    assert not wrong, f"{len(wrong)} findings\n\n" + "\n\n".join(wrong[:10])
    assert len(asked) == OPERATIONS
    assert sum(asked.values()) > OPERATIONS * EXAMPLES


def test_every_call_is_in_the_documentation(bench: ApiBench) -> None:
    page = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
    for path, methods in description(bench.app)["paths"].items():
        for method in methods:
            assert f"`{method.upper()} {path}`" in page


def test_every_operation_is_named_and_tells_its_errors(bench: ApiBench) -> None:
    described = description(bench.app)
    assert described["openapi"] == "3.1.0"
    operations = [operation for methods in described["paths"].values() for operation in methods.values()]
    assert len({operation["operationId"] for operation in operations}) == OPERATIONS
    for operation in operations:
        assert operation["summary"]
        assert operation["security"] == [{"token": []}]
        assert {"401", "403", "422", "503"} <= operation["responses"].keys()
