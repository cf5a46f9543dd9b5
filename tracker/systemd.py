"""What the service manager is told: ready, reloading, stopping, and a sign of life (sd_notify(3)).

Owns the protocol: lines in a datagram to the socket that NOTIFY_SOCKET names. Where there is none, nothing is told.
Knows nothing of what the daemon does, and never stands in its way: a manager that can't be reached has time-outs.
"""

import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress


class ServiceManager:
    """The manager that started this process, or nobody."""

    def __init__(self, address: str = "", patience: float | None = None) -> None:
        """`address`: of its socket, "" for nobody. `patience`: seconds without a sign of life that it waits."""
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self.sign_every = None if patience is None else patience / 2
        """Seconds between signs of life; None where nobody waits for one."""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> "ServiceManager":
        """As NOTIFY_SOCKET and WATCHDOG_USEC say, the latter where it is meant for this process."""
        address = environ.get("NOTIFY_SOCKET", "")
        if not address.startswith(("/", "@")):
            return cls()
        microseconds = environ.get("WATCHDOG_USEC", "")
        if not microseconds.isdecimal() or environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
            return cls(address)
        return cls(address, int(microseconds) / 1e6)

    def ready(self, status: str) -> None:
        """Started, or reloaded; `status` in a line for people."""
        self._tell("READY=1", _status(status))

    def reloading(self) -> None:
        """The configuration is read again; `ready` ends it."""
        self._tell("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}", _status("reading the configuration"))

    def stopping(self, status: str) -> None:
        """The end has begun."""
        self._tell("STOPPING=1", _status(status))

    def alive(self) -> None:
        """A sign of life."""
        self._tell("WATCHDOG=1")

    def ailing(self, status: str) -> None:
        """Why there is no sign of life."""
        self._tell(_status(status))

    def _tell(self, *lines: str) -> None:
        if not self._address:
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as letter:
            letter.setblocking(False)
            letter.sendto("\n".join(lines).encode(), self._address)


def _status(text: str) -> str:
    return f"STATUS={' '.join(text.split())}"
