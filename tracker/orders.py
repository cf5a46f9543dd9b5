"""Order Protection, as its client sees it: which call says what, and what its answers mean.

Owns the endpoints and the sorting of answers into done, wait, create first, and never. The HTTP is in
`tracker.http`, the queue in `tracker.relay`.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

import orjson

from carriers.sdk.exchange import Call, Reply, segment
from carriers.sdk.status import FulfillmentStatus


class Verdict(StrEnum):
    """What became of a push."""

    DONE = "done"
    LATER = "later"
    """This push may succeed another time."""
    ALL_LATER = "all later"
    """The receiver as a whole is at fault: nothing can be pushed now."""
    NEVER = "never"


class Answer(NamedTuple):
    """A verdict with the words for it, and the receiver's Retry-After in seconds."""

    verdict: Verdict
    message: str = ""
    retry_after: float | None = None
    fault_there: bool = False
    """Whether the receiver failed, rather than refused: after a few in a row, everything waits."""


class Held(NamedTuple):
    """A fulfillment as Order Protection holds it."""

    status: str
    """A word of the enum where it is one in any spelling, else as it came."""
    updated_at: datetime | None


class Holdings(NamedTuple):
    """What Order Protection holds of an order: by fulfillment id, or None where it does not know the order. It is
    told only where the answer is DONE."""

    answer: Answer
    fulfillments: dict[str, Held] | None = None


class Sender(Protocol):
    """Sends a Call; `tracker.http.CarrierClient` is one."""

    async def send(self, call: Call) -> Reply:
        """Make the call."""

    async def send_once(self, call: Call) -> Reply:
        """Make the call, and try no second time."""


class OrderProtection:
    """The receiving API."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    async def forward(self, call: Call) -> Reply:
        """Make a merchant's own call, once: whoever made it decides about another try. Raises what the sender raises
        when no answer comes."""
        return await self._sender.send_once(call)

    async def push(
        self,
        order_id: str,
        fulfillment_id: str,
        status: FulfillmentStatus,
        fulfillment: dict[str, Any],
        order: dict[str, Any] | None,
    ) -> Answer:
        """Make the fulfillment's status known: update it; where it is unknown, create it; where its order is
        unknown and we have it, create that.

        `fulfillment`, `order`: their JSON as imported, without personal data. Raises what the sender raises
        when no answer comes.
        """
        orders = "/v1/orders"
        fulfillments = f"{orders}/{segment(order_id)}/fulfillments"
        update = _json("PUT", f"{fulfillments}/{segment(fulfillment_id)}", {"status": status})
        answer = await self._sender.send(update)
        if answer.status != 404:
            return judge(answer)
        whole = {**fulfillment, "sourceFulfillmentId": fulfillment_id, "fulfillmentStatus": status}
        answer = await self._sender.send(_json("POST", fulfillments, whole))
        if answer.status == 409:  # created by somebody between the two calls
            return judge(await self._sender.send(update))
        if answer.status != 404:
            return judge(answer)
        if order is None:
            return Answer(Verdict.LATER, "HTTP 404: the order is unknown there, and was not imported as an order here")
        created = await self._sender.send(
            _json("POST", orders, {**order, "sourceOrderId": order_id, "fulfillments": [whole]})
        )
        if created.status == 409:
            return Answer(Verdict.LATER, "HTTP 409: the order appeared meanwhile")
        return judge(created)

    async def held(self, order_id: str) -> Holdings:
        """Ask what it holds of an order. Raises what the sender raises when no answer comes."""
        reply = await self._sender.send(Call((), "GET", f"/v1/orders/{segment(order_id)}/fulfillments"))
        if reply.status == 404:
            return Holdings(Answer(Verdict.DONE))
        answer = judge(reply)
        if answer.verdict is not Verdict.DONE:
            return Holdings(answer)
        try:
            return Holdings(answer, _held(orjson.loads(reply.body)))
        except ValueError:
            unreadable = f"HTTP {reply.status}: not the list of fulfillments that was asked for"
            return Holdings(Answer(Verdict.LATER, unreadable, fault_there=True))


def _held(payload: object) -> dict[str, Held]:
    """The fulfillments of an answer by their ids. Raises ValueError for anything but a list of them."""
    if not isinstance(payload, list):
        raise ValueError("not a list")
    held = {}
    for entry in payload:
        fields = entry if isinstance(entry, dict) else {}
        id, status = fields.get("sourceFulfillmentId"), fields.get("fulfillmentStatus")
        if not (isinstance(id, str) and isinstance(status, str)):
            raise ValueError("not a fulfillment")
        held[id] = Held(_word(status), _moment(fields.get("updatedAt")))
    return held


def _word(status: str) -> str:
    try:
        return FulfillmentStatus.read(status)
    except ValueError:
        return status[:50]


def _moment(text: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo is not None else None


def _json(method: str, path: str, payload: object) -> Call:
    return Call((), method, path, headers={"Content-Type": "application/json"}, body=orjson.dumps(payload))


def judge(reply: Reply) -> Answer:
    """What an answer means for the call."""
    if 200 <= reply.status < 300:
        return Answer(Verdict.DONE)
    message = f"HTTP {reply.status}"
    if reply.status in (401, 403):
        return Answer(Verdict.ALL_LATER, f"{message}: Order Protection refuses our credentials")
    if reply.status < 400:
        return Answer(Verdict.ALL_LATER, f"{message}: Order Protection redirects; is orders.url right?")
    if reply.status == 429 or (reply.status >= 500 and reply.retry_after is not None):
        return Answer(Verdict.ALL_LATER, message, reply.retry_after)
    if reply.status == 404:
        return Answer(Verdict.LATER, message)
    if reply.status == 408 or reply.status >= 500:  # perhaps over this one push only
        return Answer(Verdict.LATER, message, fault_there=True)
    return Answer(Verdict.NEVER, f"{message}: {_words(reply)}")


def _words(reply: Reply) -> str:
    """The receiver's own explanation, if it is short JSON; never a page, never what we sent."""
    try:
        body = orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        return "refused"
    for key in ("message", "error", "detail"):
        if isinstance(body, dict) and isinstance(body.get(key), str):
            return str(body[key])[:200]
    return "refused"
