"""The documentation: complete, current, and without a dead end."""

import re
import sqlite3
import unicodedata
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml
from pydantic import BaseModel

from carriers.sdk.registry import known_carriers
from carriers.sdk.status import CARRIER_STATUSES, FulfillmentStatus
from tracker.cli import main
from tracker.cli.config_docs import page
from tracker.config import CarrierAccount, QuotaSettings, Settings, Webhook, load
from tracker.durations import write_duration
from tracker.models import Order
from tracker.routing import Route
from tracker.store.database import Database

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md"), *(ROOT / "benchmarks").glob("*.md")])
NAMES = [path.relative_to(ROOT).as_posix() for path in PAGES]

_LINK = re.compile(r"\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)


def text(path: Path) -> str:
    """A page without its code blocks, which may look like links and headings."""
    return re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def anchors(path: Path) -> set[str]:
    """What a link into a page may name, as GitHub and mkdocs make it of a heading."""
    words = (re.sub(r"[`*_\[\]]|\([^)]*\)", "", heading).strip().lower() for heading in _HEADING.findall(text(path)))
    plain = (unicodedata.normalize("NFKD", word) for word in words)
    return {re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", word)) for word in plain}


def links(path: Path) -> Iterator[tuple[str, str]]:
    """(path, anchor) of each link that stays in the project."""
    for target in _LINK.findall(text(path)):
        if not re.match(r"[a-z]+:", target):
            yield target.partition("#")[0], target.partition("#")[2]


@pytest.mark.parametrize("name", NAMES)
def test_every_link_leads_somewhere(name: str) -> None:
    here = ROOT / name
    dead = []
    for target, anchor in links(here):
        there = (here.parent / target).resolve() if target else here
        if not there.exists() or not there.is_relative_to(ROOT):
            dead.append(target)
        elif anchor and there.suffix == ".md" and anchor not in anchors(there):
            dead.append(f"{target}#{anchor}")

    assert dead == []


def test_a_dead_link_would_be_found(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(
        "# A `b`, c\n[x](b.md#no) ![y](c.png) [z](https://example.com)\n```\n[n](n.md)\n```\n"
    )

    assert list(links(tmp_path / "a.md")) == [("b.md", "no"), ("c.png", "")]
    assert anchors(tmp_path / "a.md") == {"a-b-c"}


# the site


class _Loader(yaml.SafeLoader):
    """mkdocs.yml may name Python objects; nobody makes them here."""


_Loader.add_multi_constructor("tag:yaml.org,2002:python/", lambda *_: None)


def site() -> dict[str, Any]:
    described: dict[str, Any] = yaml.load((ROOT / "mkdocs.yml").read_text(), _Loader)  # noqa: S506 - made of SafeLoader
    return described


def in_nav(entry: Any) -> Iterator[str]:
    if isinstance(entry, str):
        yield entry
    else:
        for inner in entry.values() if isinstance(entry, dict) else entry:
            yield from in_nav(inner)


def test_every_page_is_on_the_site() -> None:
    listed = list(in_nav(site()["nav"]))
    reached_from_an_index = ("carriers/", "adr/")

    written = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
    expected = {name for name in written if not name.startswith(reached_from_an_index) or name.endswith("README.md")}
    assert sorted(listed) == sorted(expected)


def test_every_decision_stands_in_its_index() -> None:
    decisions = {path.name for path in (DOCS / "adr").glob("0*.md")}

    assert {target for target, _ in links(DOCS / "adr" / "README.md")} == decisions


def test_the_site_loads_nothing_from_elsewhere() -> None:
    described = site()

    assert described["theme"]["font"] is False
    assert not any("://" in extra for key in ("extra_css", "extra_javascript") for extra in described.get(key, ()))
    assert described["strict"] is True


@pytest.mark.parametrize("picture", [path.name for path in (DOCS / "images").glob("*.svg")])
def test_a_picture_is_whole_and_has_words_for_who_cannot_see_it(picture: str) -> None:
    drawn = (DOCS / "images" / picture).read_text(encoding="utf-8")
    root = ElementTree.fromstring(drawn)  # noqa: S314 - our own

    assert root.find("{http://www.w3.org/2000/svg}title") is not None
    assert "prefers-color-scheme: dark" in drawn
    assert "://" not in drawn.replace("http://www.w3.org/2000/svg", "")


# settings


def test_the_configuration_reference_is_current() -> None:
    assert (DOCS / "configuration.md").read_text(encoding="utf-8") == page(), "run: tracker config-docs"


def test_every_setting_has_a_line_that_says_what_it_means() -> None:
    lines = dict(re.findall(r"^\| `([\w.]+)` \| [^|]+ \| [^|]+ \| ([^|]*) \|", page(), re.MULTILINE))

    own = (
        {name for name in CarrierAccount.model_fields if name != "quota"}
        | set(Route.model_fields)
        | set(Webhook.model_fields)
    )
    own |= {f"quota.{name}" for name in QuotaSettings.model_fields} | {"database"}
    for field in Settings.model_fields.values():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            own |= set(field.annotation.model_fields)
    assert own - lines.keys() == set()
    assert [name for name, meaning in lines.items() if not meaning.strip()] == []
    assert Settings.model_fields.keys() - {"database"} == set(re.findall(r"^## (\w+)$", page(), re.MULTILINE))


@pytest.mark.parametrize("name", NAMES)
def test_a_setting_or_column_that_a_page_names_exists(name: str) -> None:
    columns = {name: set(table.columns.keys()) for name, table in Order.metadata.tables.items()}
    sections = {
        section: field.annotation.model_fields.keys() | columns.get(section, set())
        for section, field in Settings.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
    }
    named = re.findall(r"`([a-z]+)\.([a-z_]+)(?:: [^`]*)?`", text(ROOT / name))

    assert [pair for pair in named if pair[0] in sections and pair[1] not in sections[pair[0]]] == []


def default_of(variable: str) -> Any:
    value: Any = Settings()
    for name in variable.removeprefix("TRACKER_").lower().split("__"):
        value = getattr(value, name)
    return value


OTHER = {bool: "false", int: "3", float: "0.25"}


@pytest.mark.parametrize("variable", re.findall(r"`(TRACKER_\w+)` \|$", page(), re.MULTILINE))
def test_the_environment_overrides_it(variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    default = default_of(variable)
    if isinstance(default, tuple):
        given = '["9d"]' if "LOOKS" in variable else '["CA"]'
    elif isinstance(default, FulfillmentStatus) or variable.endswith(("__LEVEL", "__FORMAT", "__AGGREGATE", "DOOR")):
        given = {"LEVEL": "debug", "FORMAT": "json", "AGGREGATE": "most_advanced", "FRONT_DOOR": "queue"}[
            variable.rpartition("__")[2]
        ]
    elif hasattr(default, "total_seconds"):
        given = write_duration(default / 2) if default else "1h"
    else:
        given = OTHER.get(type(default), "https://example.com")
    (tmp_path / "config.yaml").write_text("orders: {client_id: a, client_secret: b}\n" if "CLIENT" in variable else "")
    monkeypatch.setenv(variable, given)

    settings: Any = load(tmp_path / "config.yaml", {})
    for name in variable.removeprefix("TRACKER_").lower().split("__"):
        settings = getattr(settings, name)

    assert settings != default


def test_the_command_writes_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for target, code in ((tmp_path / "made.md", 0), (tmp_path / "nowhere" / "made.md", 2)):
        with pytest.raises(SystemExit) as ended:
            main(["config-docs", str(target)])
        assert ended.value.code == code
    assert (tmp_path / "made.md").read_text(encoding="utf-8") == page()
    assert "no such folder" in capsys.readouterr().err


# statuses


def test_every_status_is_explained_once() -> None:
    rows = re.findall(r"^\| ((?:`[A-Z_]+`(?:, )?)+) \|", (DOCS / "statuses.md").read_text(), re.MULTILINE)
    explained = [name for row in rows for name in re.findall(r"`([A-Z_]+)`", row)]

    assert sorted(explained) == sorted(FulfillmentStatus)
    assert len(FulfillmentStatus) == 18


def test_the_codes_named_with_a_status_lead_there() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \| .* \| (.*) \|$", (DOCS / "statuses.md").read_text(), re.MULTILINE)
    carriers = {known.info.name: known for known in known_carriers().values()}
    named = {
        status: re.findall(r"([A-Z][\w ]*) `([^`]+)`", codes) for status, codes in rows if status in CARRIER_STATUSES
    }

    assert named.keys() == CARRIER_STATUSES
    wrong = [
        (status, name, code)
        for status, codes in named.items()
        for name, code in codes
        if (meaning := carriers[name].codes.get(code)) is None or meaning.status != status
    ]
    assert wrong == []
    assert all(len(codes) >= 3 for codes in named.values())


# datasette


def test_datasette_is_told_of_what_there_is(tmp_path: Path) -> None:
    described = yaml.safe_load((DOCS / "datasette" / "metadata.yaml").read_text())["databases"]["tracker"]["tables"]
    database = Database(tmp_path / "tracker.db")
    database.migrate()
    database.close()
    with closing(sqlite3.connect(tmp_path / "tracker.db")) as connection:
        kinds = dict(connection.execute("SELECT name, type FROM sqlite_master WHERE type IN ('table', 'view')"))
        columns = {
            name: {row[1] for row in connection.execute(f"PRAGMA table_info({name})")}
            for name, kind in kinds.items()
            if kind == "view"
        }

    shown = {name: about for name, about in described.items() if not about.get("hidden")}
    assert set(shown) == set(columns)
    assert set(described) - set(shown) == {name for name, kind in kinds.items() if kind == "table"}
    for name, about in shown.items():
        assert set(about["columns"]) == columns[name], name
        used = [*about["facets"], *about.get("units", ()), about.get("sort") or about["sort_desc"]]
        assert set(used) <= columns[name], name
