"""The one vocabulary: what a fulfillment's status can be, and what each word implies.

Owns the enum and the sets that rules are written with. Knows no carrier and no parcel.
"""

from enum import StrEnum
from typing import Self


class FulfillmentStatus(StrEnum):
    """The 18 words Order Protection accepts as `fulfillmentStatus`."""

    UNFULFILLED = "UNFULFILLED"
    PARTIALLY_FULFILLED = "PARTIALLY_FULFILLED"
    FULFILLED = "FULFILLED"
    SCHEDULED = "SCHEDULED"
    AWAITING_SHIPMENT = "AWAITING_SHIPMENT"
    LABEL_PURCHASED = "LABEL_PURCHASED"
    LABEL_PRINTED = "LABEL_PRINTED"
    CONFIRMED = "CONFIRMED"
    CARRIER_PICKED_UP = "CARRIER_PICKED_UP"
    IN_TRANSIT = "IN_TRANSIT"
    OUT_FOR_DELIVERY = "OUT_FOR_DELIVERY"
    ATTEMPTED_DELIVERY = "ATTEMPTED_DELIVERY"
    READY_FOR_PICKUP = "READY_FOR_PICKUP"
    PICKED_UP = "PICKED_UP"
    DELIVERED = "DELIVERED"
    DELAYED = "DELAYED"
    ON_HOLD = "ON_HOLD"
    FAILURE = "FAILURE"

    @classmethod
    def read(cls, text: str) -> Self:
        """Read a status as other people write it: any case, hyphens or spaces for underscores.

        `NOT_DELIVERED`, which the receiving API lists on one newer page, reads as FAILURE.
        Raises ValueError, naming the word, for anything else.
        """
        word = text.strip().upper().replace("-", "_").replace(" ", "_")
        if word == "NOT_DELIVERED":
            return cls("FAILURE")
        try:
            return cls(word)
        except ValueError:
            raise ValueError(f"unknown fulfillment status {text!r}; expected one of {', '.join(cls)}") from None


_S = FulfillmentStatus

#: What a carrier's event can set. The other words arrive by import and stand until a carrier speaks.
CARRIER_STATUSES = frozenset(
    {
        _S.CONFIRMED,
        _S.CARRIER_PICKED_UP,
        _S.IN_TRANSIT,
        _S.OUT_FOR_DELIVERY,
        _S.ATTEMPTED_DELIVERY,
        _S.READY_FOR_PICKUP,
        _S.PICKED_UP,
        _S.DELIVERED,
        _S.DELAYED,
        _S.ON_HOLD,
        _S.FAILURE,
    }
)

#: The recipient has it.
RECEIVED = frozenset({_S.DELIVERED, _S.PICKED_UP})

#: Nothing more is expected of the parcel.
ENDED = RECEIVED | {_S.FAILURE}

#: A scan with one of these proves that the carrier had the parcel in hand.
MOVEMENT = frozenset(
    {
        _S.CARRIER_PICKED_UP,
        _S.IN_TRANSIT,
        _S.OUT_FOR_DELIVERY,
        _S.ATTEMPTED_DELIVERY,
        _S.READY_FOR_PICKUP,
        _S.PICKED_UP,
        _S.DELIVERED,
    }
)
