"""What the web side works with: handed to it by the daemon, so that it wires nothing itself."""

from dataclasses import dataclass, field

from tracker.clock import Clock
from tracker.config import AccountOff, AccountPlan, Settings
from tracker.heartbeats import Heartbeats
from tracker.hooks import Hooks
from tracker.meters import Meters
from tracker.orders import OrderProtection
from tracker.routing import Routes
from tracker.store.database import Database
from tracker.store.writer import Writer


@dataclass(frozen=True, slots=True)
class Services:
    """The database to read from, the writer to change it through, and the facts around them."""

    database: Database
    writer: Writer
    clock: Clock
    settings: Settings
    routes: Routes
    accounts: tuple[AccountPlan, ...]
    off: tuple[AccountOff, ...]
    order_protection: OrderProtection | None
    """None where there is no way to authenticate."""
    meters: Meters = field(default_factory=Meters)
    """What this process counts."""
    heartbeats: Heartbeats = field(default_factory=lambda: Heartbeats(Clock()))
    """Of the daemon that serves; none where there is no daemon."""
    hooks: Hooks | None = None
    """None where no account is on."""
