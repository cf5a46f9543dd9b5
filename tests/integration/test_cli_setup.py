"""Commands that need no database: the shipped configuration, bad ones, carriers, numbers, wrong usage."""

import json
import re
import sys
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from pydantic import BaseModel

from tracker.cli import main
from tracker.cli.setup import config_schema
from tracker.config import AccountPlan, Polling, Settings, load, plan_accounts

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "config.yaml"
SECRET = "hunter2-hunter2"


class Ran(NamedTuple):
    code: object
    out: str
    err: str


Tracker = Callable[..., Ran]


@pytest.fixture
def tracker(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Tracker:
    """`tracker …` in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str) -> Ran:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        return Ran(ended.value.code, *capsys.readouterr())

    return run


# the shipped configuration


def test_the_packaged_configuration_is_the_shipped_one() -> None:
    packaged = files("tracker").joinpath("default_config.yaml").read_bytes()

    assert packaged == SHIPPED.read_bytes()


def test_the_schema_is_current_and_named_in_the_first_line() -> None:
    first_line = SHIPPED.read_text(encoding="utf-8").splitlines()[0]

    path = ROOT / first_line.removeprefix("# yaml-language-server: $schema=")

    assert json.loads(path.read_bytes()) == config_schema(), "run: tracker schema > docs/config.schema.json"


def test_the_shipped_configuration_works_as_it_is() -> None:
    ready, off = plan_accounts(load(SHIPPED, {}))

    assert ready == []
    assert {account.code for account in off} == {"fedex", "ups", "usps", "dhl", "gls"}
    assert all(account.reason.startswith("needs ") for account in off)


def test_exported_credentials_are_all_it_takes() -> None:
    names = re.findall(r"\$\{([A-Z_]+):-\}", SHIPPED.read_text(encoding="utf-8"))

    settings = load(SHIPPED, dict.fromkeys(names, "x"))
    ready, off = plan_accounts(settings)

    assert settings.orders.configured
    assert off == []
    assert {account.name for account in ready} == {"fedex", "ups", "usps", "dhl", "gls"}
    assert all(isinstance(account, AccountPlan) for account in ready)


def _option_names(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield name
        for part in re.findall(r"tracker\.config\.(\w+)", str(field.annotation)):
            inner = getattr(sys.modules["tracker.config"], part)
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                yield from _option_names(inner)


def test_every_option_stands_in_the_shipped_configuration() -> None:
    text = SHIPPED.read_text(encoding="utf-8")

    missing = [name for name in _option_names(Settings) if not re.search(rf"^[ #-]*{name}:", text, re.MULTILINE)]

    assert {"per_second", "jitter", "store_id", "ended"} <= set(_option_names(Settings))
    assert missing == []


def test_what_is_commented_out_is_the_default() -> None:
    section = re.search(r"^polling:\n(?:[ #].*\n)+", SHIPPED.read_text(encoding="utf-8"), re.MULTILINE)
    assert section is not None
    shown = yaml.safe_load(re.sub(r"^  # (?=\w+:)", "  ", section[0], flags=re.MULTILINE))["polling"]

    assert set(shown) == set(Polling.model_fields)
    assert Polling.model_validate(shown) == Polling()


def test_init_writes_it_and_never_overwrites(tracker: Tracker, tmp_path: Path) -> None:
    assert tracker("init").code == 0
    assert (tmp_path / "config.yaml").read_bytes() == SHIPPED.read_bytes()

    (tmp_path / "config.yaml").write_text("mine")
    again = tracker("init")
    assert (again.code, "config.yaml: exists" in again.err) == (2, True)
    assert (tmp_path / "config.yaml").read_text() == "mine"
    assert tracker("init", "nowhere/config.yaml").code == 2


def test_check_of_a_fresh_start_has_only_notes(tracker: Tracker) -> None:
    tracker("init")

    ran = tracker("check", "--json")

    findings = json.loads(ran.out)["findings"]
    assert ran.code == 0
    assert {finding["level"] for finding in findings} == {"ok", "note"}
    assert any("needs api_key and secret_key" in finding["message"] for finding in findings)


# bad ones

BAD = {
    "unknown key": ("web:\n  prot: 80\n", "config.yaml:2: web.prot: unknown key"),
    "unknown section": ("wep: {}\n", "config.yaml:1: wep: unknown key"),
    "missing variable": (
        "orders:\n  token: ${NOT_EXPORTED}\n",
        "config.yaml:2: orders.token: the environment variable NOT_EXPORTED is not set",
    ),
    "missing secret file": ("orders:\n  token: ${file:nope}\n", "config.yaml:2: orders.token: nope: No such file"),
    "wrong quota": (
        f"carriers:\n  fedex:\n    credentials: {{api_key: {SECRET}}}\n    quota: {{per_day: -5}}\n",
        "config.yaml:4: carriers.fedex.0.quota.per_day: Input should be greater than 0",
    ),
    "wrong type beside a secret": (f"orders:\n  token: [{SECRET}]\n", "config.yaml:2: orders.token: "),
    "both ways in": (
        f"orders:\n  token: {SECRET}\n  client_id: x\n  client_secret: {SECRET}\n",
        "config.yaml:1: orders: set either token or client_id",
    ),
    "two accounts of one name": (
        "carriers:\n  ups:\n    - account: east\n    - account: east\n",
        "config.yaml:4: carriers.ups[1].account: 'ups/east' is taken",
    ),
    "unknown carrier": ("carriers:\n  pigeon: {}\n", "config.yaml:2: carriers.pigeon: unknown carrier; known: "),
    "unknown credential": (
        f"carriers:\n  fedex:\n    credentials: {{apikey: {SECRET}}}\n",
        "config.yaml:3: carriers.fedex.credentials: unknown apikey; FedEx wants api_key, secret_key",
    ),
    "too big a batch": (
        "carriers:\n  fedex:\n    batch: 31\n",
        "config.yaml:3: carriers.fedex.batch: 31 is more than FedEx takes (30 numbers a call)",
    ),
    "no duration": ("polling:\n  unknown: 4 hours\n", "config.yaml:2: polling.unknown: '4 hours' is no duration"),
    "not YAML": ("web: [\n", "config.yaml:2: not YAML"),
    "not YAML where a secret stands": (
        f"orders:\n  token: {SECRET}: x\n",
        "config.yaml:2: not YAML: mapping values are not allowed here",
    ),
    "a key twice": (
        "carriers:\n  ups: {enabled: false}\n  ups: {enabled: true}\n",
        "config.yaml:3: carriers.ups: already set in line 2",
    ),
    "no sections": ("just a text\n", "config.yaml: expected sections such as"),
}


@pytest.mark.parametrize(("content", "told"), BAD.values(), ids=BAD)
@pytest.mark.parametrize("command", ["check", "list"])
def test_a_bad_configuration_names_the_place_and_shows_no_secret(
    tracker: Tracker, tmp_path: Path, command: str, content: str, told: str
) -> None:
    (tmp_path / "config.yaml").write_text(content)

    ran = tracker(command, "--json")

    assert (ran.code, ran.out) == (2, "")
    assert told in ran.err
    assert SECRET not in ran.err
    assert "Traceback" not in ran.err


def test_a_missing_configuration_says_what_makes_one(tracker: Tracker) -> None:
    ran = tracker("list")

    assert ran.code == 2
    assert "config.yaml: no such file; `tracker init` writes one" in ran.err


def test_the_configuration_is_named_by_option_or_environment(
    tracker: Tracker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "one.yaml").write_text("wep: 1\n")
    (tmp_path / "two.yaml").write_text("wep: 1\n")
    monkeypatch.setenv("TRACKER_CONFIG", "one.yaml")

    assert "one.yaml:1" in tracker("list").err
    assert "two.yaml:1" in tracker("list", "-c", "two.yaml").err


# carriers and numbers


def test_carriers_needs_no_configuration(tracker: Tracker) -> None:
    ran = tracker("carriers", "--json")

    by_code = {carrier["code"]: carrier for carrier in json.loads(ran.out)}
    fedex: dict[str, Any] = by_code["fedex"]
    assert ran.code == 0
    assert {"fedex", "ups", "usps", "dhl", "gls"} <= set(by_code)
    assert list(fedex) == ["code", "name", "kind", "batch", "auth", "codes", "docs", "configured"]
    assert (fedex["kind"], fedex["batch"], fedex["auth"], fedex["configured"]) == ("python", 30, "oauth2", False)
    assert fedex["codes"] > 100


def test_carriers_tells_which_are_ready(tracker: Tracker, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(
        "carriers:\n  dhl: {credentials: {api_key: k}}\n  ups: {credentials: {client_id: only}}\n"
    )

    configured = {c["code"]: c["configured"] for c in json.loads(tracker("carriers", "--json").out)}
    table = {line.split()[0]: line for line in tracker("carriers").out.splitlines()}

    assert (configured["dhl"], configured["ups"], configured["gls"]) == (True, False, False)
    assert table["dhl"].rstrip().endswith("ready")
    assert table["ups"].rstrip().endswith("off")
    assert table["gls"].rstrip().endswith("not set up")
    assert "0.2 a second, 250 a day" in table["dhl"]


def test_detect_names_the_likeliest_first_with_its_page(tracker: Tracker) -> None:
    ran = tracker("detect", "1z 999 aa1 01 2345 6784", "794600000017", "--json")

    ups, digits = json.loads(ran.out)
    assert ran.code == 0
    assert (ups["number"], ups["candidates"][0]["carrier"]) == ("1Z999AA10123456784", "ups")
    assert list(ups["candidates"][0]) == ["carrier", "format", "confidence", "trackingUrl"]
    assert ups["candidates"][0]["trackingUrl"] == "https://www.ups.com/track?tracknum=1Z999AA10123456784"
    confidences = [candidate["confidence"] for candidate in digits["candidates"]]
    assert confidences == sorted(confidences, reverse=True)


def test_detect_of_no_known_form_ends_with_3_and_of_no_number_with_2(tracker: Tracker) -> None:
    unknown = tracker("detect", "QQQQ-QQQQ-QQQQ", "--json")
    assert (unknown.code, json.loads(unknown.out)) == (3, [{"number": "QQQQ-QQQQ-QQQQ", "candidates": []}])

    invalid = tracker("detect", "a/b", "--json")
    assert (invalid.code, invalid.out) == (2, "")
    assert "'a/b' is no tracking number" in invalid.err


# polling by hand, as far as no carrier is asked


def test_poll_of_an_unknown_reference_ends_with_3(tracker: Tracker, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("web: {port: 0}\n")

    ran = tracker("poll", "794600000017", "--json")

    assert (ran.code, json.loads(ran.out)) == (3, [])


def test_poll_tells_that_no_account_is_on(tracker: Tracker, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("web: {port: 0}\n")
    (tmp_path / "orders.csv").write_text(
        "sourceOrderId,sourceFulfillmentId,fulfillmentStatus,trackingCompany,trackingNumber\n"
        "1,f-1,FULFILLED,FedEx,794600000017\n"
    )
    assert tracker("import", "orders.csv").code == 0

    ran = tracker("poll", "f-1", "--json")

    (row,) = json.loads(ran.out)
    assert ran.code == 1
    assert list(row) == ["trackingNumber", "carrier", "status", "changed", "error"]
    assert "no account" in row["error"]


# usage


def test_a_wrong_option_ends_with_2(tracker: Tracker) -> None:
    ran = tracker("list", "--nope")

    assert ran.code == 2
    assert "--nope" in ran.err
