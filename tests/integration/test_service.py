"""The daemon under a service manager: what it is told from start to end, and who gets no sign of life."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.test_daemon import scene, until
from tracker import daemon as daemon_module
from tracker.daemon import Daemon
from tracker.systemd import ServiceManager


class Manager:
    """The manager's end: a real socket."""

    def __init__(self, folder: Path) -> None:
        self.address = str(folder / "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.address)
        self.socket.settimeout(30)

    def letter(self) -> str:
        """The next one, as soon as it is there."""
        return self.socket.recv(4096).decode()

    def until(self, line: str) -> str:
        """The next letter that has this line."""
        while line not in (letter := self.letter()).splitlines():
            pass
        return letter


@pytest.fixture
def manager() -> Iterator[Manager]:
    with tempfile.TemporaryDirectory() as short:  # a socket's path has 108 bytes at most
        manager = Manager(Path(short))
        yield manager
        manager.socket.close()


def test_from_start_to_end(manager: Manager, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(
        "web: {enabled: false}\ncarriers: {dhl: {credentials: {api_key: k}, base_url: 'http://127.0.0.1:9'}}\n"
    )
    daemon = subprocess.Popen(
        [sys.executable, "-m", "tracker", "run", "-c", str(config)],
        env={**os.environ, "NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "400000"},
        stderr=subprocess.DEVNULL,
    )
    try:
        assert manager.until("READY=1") == "READY=1\nSTATUS=polling dhl"
        assert (tmp_path / "tracker.db").exists()
        assert manager.until("WATCHDOG=1")

        daemon.send_signal(signal.SIGHUP)
        assert "STATUS=reading the configuration" in manager.until("RELOADING=1")
        assert manager.until("READY=1") == "READY=1\nSTATUS=polling dhl"
        assert manager.until("WATCHDOG=1")

        config.write_text("web: {enabled: perhaps}\n")
        daemon.send_signal(signal.SIGHUP)
        assert manager.until("RELOADING=1")
        assert "the configuration is bad" in manager.until("READY=1")
        assert manager.until("WATCHDOG=1")

        daemon.send_signal(signal.SIGTERM)
        assert manager.until("STOPPING=1")
        assert daemon.wait(30) == 0
        assert sorted(path.name for path in tmp_path.glob("tracker.db*")) == ["tracker.db", "tracker.db.lock"]
    finally:
        daemon.kill()
        daemon.wait()


def test_a_hung_heartbeat_ends_the_signs_of_life_until_it_beats_again(
    manager: Manager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daemon_module, "HUNG", 0.3)
    letters: list[str] = []
    manager.socket.setblocking(False)

    async def run() -> None:
        free = asyncio.Event()

        async def stuck(_: Daemon) -> None:
            await free.wait()

        monkeypatch.setattr(Daemon, "_relay", stuck)
        asyncio.get_running_loop().add_reader(manager.socket, lambda: letters.append(manager.letter()))
        async with scene(tmp_path, parcels=1) as at:
            daemon = Daemon(at.app(), ServiceManager(manager.address, patience=0.2))
            await daemon.start()
            await until(lambda: "WATCHDOG=1" in letters, "a sign of life")
            await until(lambda: "STATUS=hung: relay" in letters, "that it hangs")
            letters.clear()
            await until(lambda: len(letters) >= 3, "three more letters")
            assert "WATCHDOG=1" not in letters
            free.set()
            await until(lambda: "WATCHDOG=1" in letters, "a sign of life again")
            await daemon.stop()

    asyncio.run(run())


def test_a_heartbeat_that_fails_is_no_hung_one(
    manager: Manager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daemon_module, "HUNG", 0.2)
    monkeypatch.setattr(daemon_module, "HOUSEKEEPING", 0.05)

    async def broken(_: Daemon) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(Daemon, "keep_house", broken)

    async def run() -> None:
        async with scene(tmp_path, parcels=1) as at:
            daemon = Daemon(at.app(), ServiceManager(manager.address, patience=0.1))
            await daemon.start()
            for _ in range(12):  # longer than a hung one would get
                await asyncio.to_thread(manager.until, "WATCHDOG=1")
            assert daemon.hung() == []
            await daemon.stop()

    asyncio.run(run())
