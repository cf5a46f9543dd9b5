"""The list of commands: each explains itself, is in the docs, and is completed by the shell."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tracker.cli import main
from tracker.cli.command_docs import commands, page

ROOT = Path(__file__).parents[2]
NAMES = [path for path, _ in commands()]


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 0
    return capsys.readouterr().out


def test_the_commands_that_people_script_against_are_there() -> None:
    promised = ["demo", "run", "import", "status", "list", "poll", "map", "detect", "carriers", "check", "outbox"]
    later = ["backup", "init", "top", "explain", "report", "reconcile", "unmapped", "replay", "plan", "new-carrier"]
    assert {f"tracker {name}" for name in (*promised, *later)} <= set(NAMES)
    assert {"tracker token add", "tracker token list", "tracker token revoke"} <= set(NAMES)


@pytest.mark.parametrize("path", NAMES)
def test_every_command_has_an_example_of_itself(
    path: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert f"Example: {path}" in shown(capsys, *path.split()[1:], "--help")


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    overview = shown(capsys, "--help")
    for name in {path.split()[1] for path in NAMES}:
        assert re.search(rf"^\W*{name}\b", overview, re.MULTILINE)


def test_the_page_of_commands_is_current() -> None:
    written = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert written.rstrip() == page(), "run: tracker command-docs > docs/commands.md"


def test_every_command_has_options_that_say_what_they_do() -> None:
    assert not re.findall(r"^\| `.*` \|  ?\|$", page(), re.MULTILINE)


# completion


def completed(words: str) -> set[str]:
    """What bash proposes for the last of these words."""
    asked = {"_TRACKER_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split(" ")) - 1)}
    code = "from tracker.cli import main; main()"
    ran = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **asked}, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.stderr == ""
    return set(ran.stdout.split())


@pytest.mark.parametrize(
    ("words", "proposed"),
    [
        ("tracker rep", {"report", "replay"}),
        ("tracker list --carrier fed", {"fedex"}),
        ("tracker list --status out", {"out_for_delivery"}),
        ("tracker list --status PICK", {"PICKED_UP"}),
        ("tracker map canada", {"canada_post"}),
        ("tracker token re", {"revoke"}),
    ],
)
def test_the_shell_completes_commands_carriers_and_statuses(words: str, proposed: set[str]) -> None:
    assert completed(words) == proposed


def test_completion_is_shown_for_those_who_keep_it_elsewhere() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "tracker", "--show-completion", "bash"],
        cwd=ROOT,
        env={**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "_TRACKER_COMPLETE=complete_bash" in ran.stdout
