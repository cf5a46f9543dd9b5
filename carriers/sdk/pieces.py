"""One number that stands for several pieces: a consignment whose articles travel each on its own.

Pure. Knows no carrier and no payload.
"""

from collections.abc import Sequence

from carriers.sdk.codes import Effect
from carriers.sdk.events import Shipment
from carriers.sdk.status import RECEIVED


def furthest_behind(pieces: Sequence[Shipment]) -> Shipment | None:
    """The piece that speaks for all: of those the recipient does not have yet, else of all, the one heard of last.

    So that a consignment counts as delivered only when its last piece is. None where there is none.
    """
    awaited = [piece for piece in pieces if not _received(piece)]
    return max(awaited or pieces, key=_last_heard_of, default=None)


def _received(piece: Shipment) -> bool:
    told = [event.meaning or event.coarse for event in piece.events]
    if piece.summary is not None:
        told.append(piece.summary.meaning)
    meanings = [meaning for meaning in told if meaning is not None]
    returned = any(meaning.effect is Effect.RETURN for meaning in meanings)
    return not returned and any(meaning.status in RECEIVED for meaning in meanings)


def _last_heard_of(piece: Shipment) -> tuple[float, str]:
    return max((event.occurred_at.timestamp() for event in piece.events), default=0.0), piece.id
