"""`tracker top`: the picture, in every size, and the keys that end it."""

import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from fcntl import ioctl
from io import StringIO
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from rich.console import Console

from tests.integration.monitored import NOW, SETTINGS, Monitored
from tracker.cli import main
from tracker.cli.top import View, ends
from tracker.store.presence import Presence


@pytest.fixture
def seen(tmp_path: Path) -> Iterator[Monitored]:
    monitored = Monitored(tmp_path)
    monitored.app._presence.leave()
    yield monitored
    monitored.close()


def picture(seen: Monitored, width: int = 110, height: int | None = 40) -> str:
    app = seen.app
    view = View(seen.database, app.settings, app.accounts, app.off, cast("Any", seen.clock))
    console = Console(file=StringIO(), width=width, height=height or 40, force_terminal=False)
    console.print(view.picture(width, height))
    return cast("StringIO", console.file).getvalue()


def lines(text: str, first: str) -> list[list[str]]:
    """The words of the lines that begin so."""
    return [line.split() for line in text.splitlines() if line.startswith(first)]


def news(seen: Monitored, count: int) -> None:
    seen.push("sent")
    for index in range(count):
        seen.write(
            "INSERT INTO status_history (fulfillment_id, status, at, recorded_at, reason)"
            " VALUES (1, 'DELIVERED', ?, ?, 'DL: [red]Delivered[/red] at the door of a house far, far away')",
            NOW,
            NOW + timedelta(seconds=index),
        )


def test_an_empty_tracker_has_a_picture_too(seen: Monitored) -> None:
    text = picture(seen)
    assert "no daemon runs" in text
    assert "0 waiting, 0 dead" in text
    assert "none yet" in text


def test_accounts_show_state_quota_lateness_and_price(seen: Monitored) -> None:
    seen.parcels(3, hours=2)
    seen.parcels(1, source="dhl", minutes=2)
    seen.write("UPDATE accounts SET last_success_at = ? WHERE name = 'ups'", NOW - timedelta(minutes=5))
    seen.write(
        "UPDATE accounts SET paused_until = ?, paused_reason = 'AuthFailed' WHERE name = 'dhl'",
        NOW + timedelta(hours=1),
    )
    seen.write("INSERT INTO quota_use VALUES ('ups', 3600, ?, 42)", int(NOW.timestamp() // 150))
    text = picture(seen)
    assert lines(text, "ups") == [["ups", "up", "42/100", "0", "3", "3", "–", "5m", "ago"]]
    assert lines(text, "dhl") == [["dhl", "paused", "AuthFailed", "0", "0/250", "1", "0", "–", "never"]]
    assert "1 off: usps" in text


def test_parcels_and_outbox_are_counted(seen: Monitored) -> None:
    seen.parcels(1200, hours=-1)
    seen.parcels(30, status="DELIVERED", hours=-1)
    seen.push(made=NOW - timedelta(hours=3))
    seen.push("dead")
    text = picture(seen)
    assert lines(text, "IN_TRANSIT") == [["IN_TRANSIT", "1,200", "█" * 24]]
    assert lines(text, "DELIVERED") == [["DELIVERED", "30", "█"]]
    assert "outbox: 1 waiting (oldest 3h), 1 dead" in text


def test_freshness_leaves_history_out(seen: Monitored) -> None:
    seen.parcels(1, hours=-1)
    event = (
        "INSERT INTO events (parcel_id, key, source, occurred_at, utc_offset, zone, code, mapped, effect, description,"
        " city, state, postal_code, country, position, seen_at)"
        " VALUES (1, ?, 'ups', ?, 0, 'given', 'X', 1, 'none', '', '', '', '', '', 0, ?)"
    )
    seen.write(event, "first answer", NOW - timedelta(days=5), NOW)
    assert "old when seen" not in picture(seen)
    later = NOW + timedelta(hours=5)
    seen.write(event, "news", later - timedelta(hours=3), later)
    assert "news is 3h old when seen" in picture(seen)


def test_a_running_daemon_is_told(seen: Monitored) -> None:
    presence = Presence(seen.database.path)
    presence.share()
    assert "daemon runs" in picture(seen)
    presence.leave()


def test_it_fits_any_terminal(seen: Monitored) -> None:
    seen.parcels(5, hours=-1)
    news(seen, 60)
    for width, height in ((110, 40), (80, 24), (50, 18)):
        shown = picture(seen, width, height).splitlines()
        assert len(shown) <= height
        assert max(len(line) for line in shown) <= width
    assert "price" not in picture(seen, 70, 24)
    assert len(lines(picture(seen, 110, 40), "12:00")) > len(lines(picture(seen, 110, 24), "12:00")) > 5


def test_a_carriers_text_is_shown_as_it_is(seen: Monitored) -> None:
    news(seen, 1)
    assert "DL: [red]Delivered[/red]" in picture(seen)


@pytest.mark.parametrize(("typed", "so"), [("q", True), ("Q", True), ("\x1b", True), ("\x1b[A", False), ("x", False)])
def test_q_and_escape_end_it_and_other_keys_do_not(typed: str, so: bool) -> None:
    assert ends(typed) is so


def test_piped_it_is_shown_once(
    seen: Monitored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"database": "tracker.db", **SETTINGS}))
    with pytest.raises(SystemExit) as ended:
        main(["top"])
    out = capsys.readouterr().out
    assert ended.value.code == 0
    assert "parcels" in out
    assert "\x1b" not in out


class Terminal:
    """`tracker top` in a terminal of its own."""

    def __init__(self, folder: Path) -> None:
        (folder / "config.yaml").write_text(yaml.safe_dump({"database": "tracker.db", **SETTINGS}))
        self.ours, theirs = pty.openpty()
        ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tracker", "top", "--every", "0.2"],
            cwd=folder,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, "TERM": "xterm-256color"},
            start_new_session=True,
        )
        self.before = termios.tcgetattr(theirs)
        self.theirs = theirs
        self.shown = ""

    def until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 20
        while not condition():
            assert time.monotonic() < deadline, self.shown[-2000:]
            if select.select([self.ours], [], [], 0.05)[0]:
                self.shown += os.read(self.ours, 65536).decode(errors="replace")

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.ours)
        os.close(self.theirs)


def test_in_a_terminal_it_goes_on_until_q_and_leaves_the_terminal_as_it_was(seen: Monitored, tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    try:
        terminal.until(lambda: "none yet" in terminal.shown)
        seen.parcels(7, hours=-1)
        terminal.until(lambda: "IN_TRANSIT" in terminal.shown)
        os.write(terminal.ours, b"q")
        terminal.until(lambda: terminal.process.poll() is not None)
        assert terminal.process.returncode == 0
        assert termios.tcgetattr(terminal.theirs) == terminal.before
    finally:
        terminal.close()
