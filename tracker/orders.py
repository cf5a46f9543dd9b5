"""Order Protection, as its client sees it: which call says what, and what its answers mean.

Owns the endpoints and the sorting of answers into done, wait, create first, and never. The HTTP is in
`tracker.http`, the queue in `tracker.relay`.
"""

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


class Sender(Protocol):
    """Sends a Call; `tracker.http.CarrierClient` is one."""

    async def send(self, call: Call) -> Reply:
        """Make the call."""


class OrderProtection:
    """The receiving API."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

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
            return _judge(answer)
        whole = {**fulfillment, "sourceFulfillmentId": fulfillment_id, "fulfillmentStatus": status}
        answer = await self._sender.send(_json("POST", fulfillments, whole))
        if answer.status == 409:  # created by somebody between the two calls
            return _judge(await self._sender.send(update))
        if answer.status != 404:
            return _judge(answer)
        if order is None:
            return Answer(Verdict.LATER, "HTTP 404: the order is unknown there, and was not imported as an order here")
        created = await self._sender.send(
            _json("POST", orders, {**order, "sourceOrderId": order_id, "fulfillments": [whole]})
        )
        if created.status == 409:
            return Answer(Verdict.LATER, "HTTP 409: the order appeared meanwhile")
        return _judge(created)


def _json(method: str, path: str, payload: object) -> Call:
    return Call((), method, path, headers={"Content-Type": "application/json"}, body=orjson.dumps(payload))


def _judge(reply: Reply) -> Answer:
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
