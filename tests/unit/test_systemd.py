"""What the service manager is told, over a real socket."""

import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tracker.systemd import ServiceManager


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short path: a socket's has 108 bytes at most."""
    with tempfile.TemporaryDirectory() as short:
        yield Path(short)


@pytest.fixture
def manager(folder: Path) -> Iterator[socket.socket]:
    """The manager's end of the socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(folder / "notify"))
        listening.settimeout(5)
        yield listening


def lines(manager: socket.socket) -> dict[str, str]:
    """The next letter: key -> value."""
    return dict(line.split("=", 1) for line in manager.recv(4096).decode().splitlines())


def environment(manager: socket.socket, **more: str) -> dict[str, str]:
    return {"NOTIFY_SOCKET": manager.getsockname(), **more}


def test_it_is_told_what_goes_on(manager: socket.socket) -> None:
    service = ServiceManager.from_environment(environment(manager))

    service.ready("polling fedex,\nups")
    assert lines(manager) == {"READY": "1", "STATUS": "polling fedex, ups"}
    service.reloading()
    told = lines(manager)
    assert (told["RELOADING"], told["MONOTONIC_USEC"].isdecimal()) == ("1", True)
    service.alive()
    assert lines(manager) == {"WATCHDOG": "1"}
    service.ailing("hung: relay")
    assert lines(manager) == {"STATUS": "hung: relay"}
    service.stopping("bye")
    assert lines(manager) == {"STOPPING": "1", "STATUS": "bye"}


def test_a_sign_of_life_is_due_in_half_the_time_the_manager_waits(manager: socket.socket) -> None:
    def sign_every(**more: str) -> float | None:
        return ServiceManager.from_environment(environment(manager, **more)).sign_every

    assert sign_every(WATCHDOG_USEC="60000000", WATCHDOG_PID=str(os.getpid())) == 30
    assert sign_every(WATCHDOG_USEC="60000000") == 30
    assert sign_every(WATCHDOG_USEC="60000000", WATCHDOG_PID="1") is None, "it is another process's"
    assert sign_every(WATCHDOG_USEC="soon") is None
    assert sign_every() is None


def test_a_socket_without_a_file_will_do() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(f"\0tracker-{os.getpid()}")
        listening.settimeout(5)
        ServiceManager.from_environment({"NOTIFY_SOCKET": f"@tracker-{os.getpid()}"}).alive()
        assert lines(listening) == {"WATCHDOG": "1"}


def test_nobody_need_listen(folder: Path, manager: socket.socket) -> None:
    ServiceManager.from_environment({}).ready("polling")
    ServiceManager.from_environment({"NOTIFY_SOCKET": str(folder / "gone")}).ready("polling")
    ServiceManager.from_environment({"NOTIFY_SOCKET": "vsock:2:1234"}).ready("polling")

    deaf = ServiceManager.from_environment(environment(manager))
    for _ in range(10_000):  # until the manager's queue is full, and on: it never blocks
        deaf.alive()
    assert lines(manager) == {"WATCHDOG": "1"}
