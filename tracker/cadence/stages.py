"""Where a parcel is on its way, as far as the cadence cares.

Owns the stages and how a status becomes one. Knows no hazards and no time.
"""

from enum import StrEnum

from carriers.sdk import FulfillmentStatus
from carriers.sdk.status import ENDED

_S = FulfillmentStatus


class Stage(StrEnum):
    """A parcel's place in its life. The carrier's newest scan decides; ENDED holds every end."""

    LABEL = "LABEL"
    PICKED_UP = "PICKED_UP"
    HUB = "HUB"
    AT_DESTINATION = "AT_DESTINATION"
    OUT_FOR_DELIVERY = "OUT_FOR_DELIVERY"
    ATTEMPTED = "ATTEMPTED"
    READY = "READY"
    EXCEPTION = "EXCEPTION"
    ENDED = "ENDED"


_OF_STATUS = {
    _S.CARRIER_PICKED_UP: Stage.PICKED_UP,
    _S.IN_TRANSIT: Stage.HUB,
    _S.OUT_FOR_DELIVERY: Stage.OUT_FOR_DELIVERY,
    _S.ATTEMPTED_DELIVERY: Stage.ATTEMPTED,
    _S.READY_FOR_PICKUP: Stage.READY,
    _S.DELAYED: Stage.EXCEPTION,
    _S.ON_HOLD: Stage.EXCEPTION,
    **dict.fromkeys(ENDED, Stage.ENDED),
}


def stage_of(status: FulfillmentStatus | None, at_destination: bool = False) -> Stage:
    """The stage a status stands for; what no carrier has scanned yet is a LABEL.

    `at_destination`: the newest movement happened at the place the parcel goes to, which is what tells the last
    facility from one on the way.
    """
    if status is _S.IN_TRANSIT and at_destination:
        return Stage.AT_DESTINATION
    return _OF_STATUS.get(status, Stage.LABEL) if status is not None else Stage.LABEL
