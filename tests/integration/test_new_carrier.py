"""`tracker new-carrier`: a skeleton that is found at once, fails the contract, and passes it when it is filled in."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from carriers.sdk.declarative import DeclarativeCarrier
from carriers.sdk.registry import Factory
from carriers.sdk.testing import REQUIRED, contract
from tracker.cli import main

if TYPE_CHECKING:
    from carriers.sdk import Carrier

ROOT = Path(__file__).parents[2]
KINDS = {"python": (), "yaml": ("--yaml",)}

NewCarrier = Callable[..., tuple[object, str]]


@pytest.fixture
def new_carrier(capsys: pytest.CaptureFixture[str]) -> NewCarrier:
    """`tracker new-carrier …`, with its exit code and all it says."""

    def run(*arguments: str) -> tuple[object, str]:
        with pytest.raises(SystemExit) as ended:
            main(["new-carrier", *arguments])
        return ended.value.code, "".join(capsys.readouterr())

    return run


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout without carriers, as the working folder."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "carriers" / "sdk", tmp_path / "carriers" / "sdk", ignore=ignored)
    shutil.copy(ROOT / "carriers" / "__init__.py", tmp_path / "carriers")
    (tmp_path / "tests" / "carriers").mkdir(parents=True)
    shutil.copy(ROOT / "tests" / "carriers" / "test_contract.py", tmp_path / "tests" / "carriers")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def fresh(*arguments: str, path: Path) -> subprocess.CompletedProcess[str]:
    """A Python process that finds modules in `path` first."""
    environment = {**os.environ, "PYTHONPATH": str(path)}
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, env=environment, check=False)


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


# in a checkout


@pytest.mark.parametrize("kind", KINDS)
def test_a_skeleton_is_found_and_fails_with_what_is_to_be_filled_in(
    new_carrier: NewCarrier, checkout: Path, kind: str
) -> None:
    before = files(checkout)

    code, told = new_carrier("pigeon_post", *KINDS[kind])
    listing = "from carriers.sdk.registry import known_carriers as k; print({c: r.kind for c, r in k().items()})"
    found = fresh("-c", listing, path=checkout)
    ran = fresh("-m", "pytest", "-p", "no:cacheprovider", "tests/carriers", "-k", "pigeon_post-", path=checkout)

    recorded = {f"tests/carriers/pigeon_post/{name}.json" for name in (*REQUIRED, "clock")}
    carrier_file = f"carriers/pigeon_post.{'py' if kind == 'python' else 'yaml'}"
    new = files(checkout) - before
    assert {name for name in new if "__pycache__" not in name} == {
        carrier_file,
        "tests/carriers/pigeon_post/cases.yaml",
        *recorded,
    }
    assert code == 0
    assert all(step in told for step in (carrier_file, "pytest tests/carriers -x -k pigeon_post-", "tracker map"))
    assert found.stdout == f"{{'pigeon_post': '{kind}'}}\n"
    assert ran.returncode == 1
    assert re.search(r" \d+ failed, \d+ passed(, \d+ deselected)? in ", ran.stdout), ran.stdout
    assert all(message in ran.stdout for message in MESSAGES), ran.stdout


MESSAGES = (
    'docs must be an https URL, it is "FILL IN: https address of the API\'s manual"',
    "the code table is empty",
    "FILL IN: the path, such as /v1/parcels/",
    "delivered.json: {'FILLIN0001': None}, expected {'FILLIN0001': 'DELIVERED'}",
    "the table lacks the code FILL-IN",
    "FILL IN: what it says of a number it does not know",
    "FILL IN: what it says to wrong credentials",
    "FILL IN: what it says to too many calls",
)


def factory(kind: str, path: Path) -> Factory:
    """What makes the carrier of a file as it stands now."""
    if kind == "yaml":
        return partial(DeclarativeCarrier.load, path)
    spec = importlib.util.spec_from_file_location("pigeon_post", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made: type[Carrier] = module.PigeonPost
    return made


def first_failure(kind: str, path: Path, cases: Path) -> str | None:
    """The name of the first check that fails, which is what `pytest -x` stops at."""
    for check in contract(factory(kind, path), cases):
        try:
            check()
        except AssertionError:
            return check.name.removeprefix("pigeon_post-")
    return None


def edit(path: Path, *replacements: tuple[str, str]) -> None:
    text = path.read_text(encoding="utf-8")
    for old, new in replacements:
        assert old in text, f"{path.name} has no {old!r}"
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")


FACTS = (
    ("FILL IN: https address of the API's manual", "https://pigeon.example/docs"),
    ("FILL IN: https base URL, without a slash at its end", "https://api.pigeon.example"),
    ("FILL IN: https address of the public page, with {number} in it", "https://pigeon.example/{number}"),
)
LOGIN = {
    "python": ('Basic("", "")', 'Basic("user", "password")'),
    "yaml": ('basic: {user_field: "", password_field: ""}', "basic: {}"),
}
TABLE = {
    "CONFIRMED": "A",
    "CARRIER_PICKED_UP": "P",
    "IN_TRANSIT": "T",
    "OUT_FOR_DELIVERY": "O",
    "DELIVERED": "D",
    "DELAYED": "L",
    "RETURNING": "R",
}
PATH = {
    "python": ('f"FILL IN: the path, such as /v1', 'f"/v1'),
    "yaml": ("/FILL IN: the path, such as /v1", "/v1"),
}
ERRORS = {
    "python": ("= {}\n", '= {"NO_PARCEL": NotFound}\n'),
    "yaml": ('NotFound: ""', "NotFound: NO_PARCEL"),
}
HOME = {"python": ('country=""', 'country="DE"'), "yaml": ('home: ""', "home: DE")}


def answer(path: Path) -> None:
    """Give every event of a recorded answer the code that its text stands for."""
    codes = {
        "announced": "A",
        "picked up": "P",
        "on the way": "T",
        "on the vehicle": "O",
        "delivered": "D",
        "delivered to the sender": "D",
        "travels back": "R",
        "delayed, on hold or a failed attempt": "L",
    }
    document = json.loads(path.read_text(encoding="utf-8"))
    for event in document["parcels"][0]["events"]:
        event["code"] = codes[event["text"].removeprefix("FILL IN: ")]
    path.write_text(json.dumps(document), encoding="utf-8")


@pytest.mark.parametrize("kind", KINDS)
def test_what_fails_first_is_what_to_do_next_and_at_the_end_nothing_fails(
    new_carrier: NewCarrier, checkout: Path, kind: str
) -> None:
    new_carrier("pigeon_post", *KINDS[kind])
    path = checkout / "carriers" / f"pigeon_post.{'py' if kind == 'python' else 'yaml'}"
    cases = checkout / "tests" / "carriers" / "pigeon_post"
    next_up = partial(first_failure, kind, path, cases)

    for fact in (*FACTS, LOGIN[kind]):
        assert next_up() == "describes itself"
        edit(path, fact)
    assert next_up() == "table is clean"
    sign = '="' if kind == "python" else ': "'
    edit(path, *((f' {name}{sign}"', f' {name}{sign}{codes}"') for name, codes in TABLE.items()))
    assert next_up() == "calls"
    edit(path, PATH[kind])
    for name in ("delivered", "in_transit", "out_for_delivery", "exception", "returned"):
        assert next_up() == f"{name}-as expected"
        answer(cases / f"{name}.json")
    assert next_up() == "not_found-as expected"
    edit(path, ERRORS[kind])
    edit(cases / "not_found.json", ("FILL-IN", "NO_PARCEL"))
    assert next_up() == "bad_credentials-as expected"
    edit(cases / "cases.yaml", (f"status: 200{REFUSED}", f"status: 401{REFUSED}"))
    assert next_up() == "throttled-as expected"
    edit(cases / "cases.yaml", ("status: 200\n  headers", "status: 429\n  headers"))
    assert next_up() == "clock-as expected"
    answer(cases / "clock.json")
    assert next_up() == "clock-as expected"
    edit(path, HOME[kind])
    assert next_up() is None


REFUSED = '\n  numbers: ["FILLIN0001"]\n  expect: {"FILLIN0001": AuthFailed'


def test_the_python_skeleton_is_clean(new_carrier: NewCarrier, checkout: Path) -> None:
    for name in ("ox", "the_international_express_parcel_service_of_somewhere"):
        new_carrier(name)
    project = str(ROOT / "pyproject.toml")

    for command in (
        ("ruff", "check", "--no-cache", "--config", project, "carriers"),
        ("ruff", "format", "--no-cache", "--check", "--config", project, "carriers"),
        ("mypy", "--strict", "--cache-dir", os.devnull, "carriers/ox.py"),
    ):
        ran = fresh("-m", *command, path=checkout)
        assert ran.returncode == 0, ran.stdout


BAD_NAMES = ("Pigeon", "pigeon-post", "2pigeons", "pigeon__post", "../pigeon", "class", "place", "fedex")


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_bad_name_writes_nothing(new_carrier: NewCarrier, checkout: Path, name: str) -> None:
    before = files(checkout)

    code, told = new_carrier(name)

    assert (code, name in told, files(checkout)) == (2, True, before)


@pytest.mark.parametrize(
    "there", ["carriers/pigeon_post.yaml", "carriers/pigeon_post.py", "tests/carriers/pigeon_post/delivered.json"]
)
def test_what_is_there_stays(new_carrier: NewCarrier, checkout: Path, there: str) -> None:
    (checkout / there).parent.mkdir(exist_ok=True)
    (checkout / there).write_text("mine")
    before = files(checkout)

    code, told = new_carrier("pigeon_post")

    assert (code, f"{there}: exists" in told, files(checkout)) == (2, True, before)
    assert (checkout / there).read_text() == "mine"


def test_another_folder_is_refused(new_carrier: NewCarrier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    code, told = new_carrier("pigeon_post")

    assert (code, "no checkout" in told, "--into FOLDER" in told, files(tmp_path)) == (2, True, True, set())


# as a plug-in


@pytest.mark.parametrize("kind", KINDS)
def test_a_plug_in_is_found_by_its_entry_point_and_brings_its_contract(
    new_carrier: NewCarrier, tmp_path: Path, kind: str
) -> None:
    package = tmp_path / "pigeon"

    code, told = new_carrier("pigeon_post", *KINDS[kind], "--into", str(package))
    project = tomllib.loads((package / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    ((group, points),) = project["entry-points"].items()
    meta = package / "pigeon-1.0.dist-info"
    meta.mkdir()
    (meta / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: 1.0\n")
    (meta / "entry_points.txt").write_text(f"[{group}]\n" + "\n".join(f"{k} = {v}" for k, v in points.items()))
    listing = "from carriers.sdk.registry import known_carriers as k; print(k()['pigeon_post'].kind)"
    found = fresh("-c", listing, path=package)
    ran = fresh("-m", "pytest", "-p", "no:cacheprovider", str(package), path=package)

    assert (code, "pip install -e" in told) == (0, True)
    assert project["name"] == "fulfillment-tracker-pigeon-post"
    assert found.stdout == "plugin\n", found.stderr
    assert ran.returncode == 1
    assert re.search(r" \d+ failed, \d+ passed(, \d+ deselected)? in ", ran.stdout), ran.stdout
    assert all(message in ran.stdout for message in MESSAGES), ran.stdout
    again, refused = new_carrier("pigeon_post", "--into", str(package))
    assert (again, "exists" in refused) == (2, True)
