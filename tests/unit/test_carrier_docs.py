"""docs/carriers/: a page for each carrier, true to its file as it is now, and a snippet that works as it stands."""

import re
from pathlib import Path

import pytest

from carriers.sdk.codes import MEANINGS
from carriers.sdk.registry import known_carriers
from tracker.cli import main
from tracker.cli.carrier_docs import pages
from tracker.cli.carrier_docs.doubts import doubts, opening, sentences
from tracker.config import load, plan_accounts

DOCS = Path(__file__).parents[2] / "docs" / "carriers"
PAGES = pages()
OWN = sorted(name.removesuffix(".md") for name in PAGES if name != "README.md")


def test_the_pages_are_current() -> None:
    written = {path.name: path.read_text(encoding="utf-8") for path in DOCS.glob("*.md")}

    other = sorted(name for name in written.keys() | PAGES.keys() if written.get(name) != PAGES.get(name))

    assert other == [], "run: tracker carrier-docs"


def test_writing_them_twice_gives_the_same() -> None:
    assert pages() == PAGES


def test_every_carrier_has_a_page_and_stands_in_the_index() -> None:
    assert set(OWN) == {code for code, known in known_carriers().items() if known.kind != "plugin"}
    assert [code for code in OWN if f"]({code}.md)" not in PAGES["README.md"]] == []


@pytest.mark.parametrize("code", OWN)
def test_the_snippet_makes_an_account_that_is_ready(code: str, tmp_path: Path) -> None:
    snippet = re.findall(r"```yaml\n(.*?)```", PAGES[f"{code}.md"], re.DOTALL)[0]
    exported = dict.fromkeys(re.findall(r"\$\{(\w+):-\}", snippet), "AB12")
    with_choices = re.sub(r"^    # ", "    ", snippet, flags=re.MULTILINE)

    for text in (snippet, with_choices):
        (tmp_path / "config.yaml").write_text(text)
        ready, off = plan_accounts(load(tmp_path / "config.yaml", exported))
        assert ([account.name for account in ready], off) == ([code], [])


@pytest.mark.parametrize("code", OWN)
def test_every_code_stands_under_its_column(code: str) -> None:
    _, *sections = re.split(r"^### (\w+)$", PAGES[f"{code}.md"], flags=re.MULTILINE)
    listed = dict(zip(sections[::2], sections[1::2], strict=True))

    missing = [
        key
        for key, meaning in known_carriers()[code].codes.items()
        for name, own in MEANINGS.items()
        if own == meaning and f"`{key}`" not in listed[name]
    ]

    assert missing == []


def test_a_page_tells_what_the_carrier_cannot_tell() -> None:
    gls, fedex = PAGES["gls.md"], PAGES["fedex.md"]

    assert "| `DELAYED` | late, goes on by itself | never |" in gls
    assert "- Estimated delivery: no." in gls
    assert "- Estimated delivery: yes." in fedex
    assert "| `OUT_FOR_DELIVERY` | on the vehicle | 3 codes |" in fedex
    assert (
        "`api: xml`: credentials `username`, `password`; production <https://soa-gw.canadapost.ca>"
        in (PAGES["canada_post.md"])
    )


def test_the_command_writes_and_clears_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "pigeon_post.md").write_text("of a carrier that is gone")

    with pytest.raises(SystemExit) as ended:
        main(["carrier-docs", str(tmp_path)])

    assert ended.value.code == 0
    assert {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == PAGES
    assert "removed" in capsys.readouterr().out


def test_a_folder_that_is_not_there_is_bad_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["carrier-docs", str(tmp_path / "nowhere")])

    assert (ended.value.code, "no such folder" in capsys.readouterr().err) == (2, True)


# what is unverified

COLUMNS = {"PIN": "CARRIER_PICKED_UP", "ATT": "ATTEMPTED_DELIVERY", "NHO": "ATTEMPTED_DELIVERY"}

PYTHON = '''"""Pigeon Post: an API. Owns its codes. Knows no clock.

Source: its manual. Of the limits, all is unverified. The rest is certain.
"""

#: Words for an unknown parcel. Unverified: the manual has none.
UNKNOWN = ("not here",)

CODES = Codes(
    CARRIER_PICKED_UP="PIN      # unverified",
    ATTEMPTED_DELIVERY="""
        ATT NHO         # unverified: attempt, not home
        OTHER           # certain
    """,
)
RULES = (
    TextRule("en", "PIN", r"picked up", "Picked up"),  # unverified
    TextRule(
        "en", "ATT", r"not home, .*", "Not home, sorry"
    ),  # unverified, too
)


def parse(reply):
    """Reads it. That the list is sorted is unverified."""
    page = "https://pigeon.example/#/{number}"  # a page
    return page
'''


def test_doubts_of_a_python_file() -> None:
    assert doubts(PYTHON, ".py", COLUMNS) == [
        "Of the limits, all is unverified.",
        "`parse`: That the list is sorted is unverified.",
        "`UNKNOWN`: Words for an unknown parcel. Unverified: the manual has none.",
        "`PIN` (CARRIER_PICKED_UP): unverified",
        "`ATT` `NHO` (ATTEMPTED_DELIVERY): unverified: attempt, not home",
        "`Picked up`: unverified",
        "`Not home, sorry`: unverified, too",
    ]
    assert doubts(PYTHON, ".py", COLUMNS, {"UNKNOWN"}) == [
        "`UNKNOWN`: Words for an unknown parcel. Unverified: the manual has none."
    ]
    assert sentences(opening(PYTHON, ".py"))[:2] == ["Pigeon Post: an API.", "Source: its manual."]


def test_doubts_of_a_yaml_file() -> None:
    text = "# Pigeon Post. All of it is unverified.\ninfo:\n  code: pigeon_post\n  batch: 3   # unverified\n"

    assert opening(text, ".yaml") == "Pigeon Post. All of it is unverified."
    assert doubts(text, ".yaml", {}) == ["All of it is unverified.", "`batch: 3`: unverified"]
