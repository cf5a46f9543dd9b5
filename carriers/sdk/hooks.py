"""What a carrier delivers by itself: who shows that a delivery is its own, and what it tells.

Owns the ways carriers prove their deliveries, and the way from a delivery to Reports: it is turned into the answer to a
poll that says the same and read by the carrier's own `parse`, so that an event has the same code, time and key
whichever way it came. Knows no HTTP library, no clock, no database and no secret of its own.
"""

import base64
import hashlib
import hmac
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from carriers.sdk.errors import BadPayload
from carriers.sdk.exchange import Call, Reply
from carriers.sdk.reading import text


@dataclass(frozen=True, slots=True)
class Delivery:
    """One HTTP request of a carrier. Header names are lower case."""

    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def json(self) -> dict[str, Any]:
        """The body, which is a JSON object. Raises BadPayload for anything else."""
        try:
            decoded = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            raise BadPayload(f"no readable JSON ({len(self.body)} bytes)") from None
        if not isinstance(decoded, dict):
            raise BadPayload("no JSON object")
        return decoded


class Proof(ABC):
    """How a carrier shows that a delivery is its own."""

    @abstractmethod
    def holds(self, delivery: Delivery, secret: str) -> bool:
        """Whether whoever made the delivery knows the secret; in a time that does not tell how nearly."""

    def made_at(self, delivery: Delivery) -> float | None:
        """Unix time at which it was made, as far as that is proven, too."""
        return None


@dataclass(frozen=True, slots=True)
class Token(Proof):
    """A header that holds the secret itself, as agreed when the deliveries were ordered."""

    header: str

    def holds(self, delivery: Delivery, secret: str) -> bool:
        """By comparison."""
        return _equal(delivery.headers.get(self.header, ""), secret)


@dataclass(frozen=True, slots=True)
class Hmac(Proof):
    """HMAC-SHA256 of the body, keyed with the secret."""

    header: str
    encoding: str = "hex"
    """hex or base64; `either` where a carrier's documentation contradicts itself."""
    prefix: str = ""
    normalised: bool = False
    """Whether the secret goes through Unicode's NFKD first."""

    def holds(self, delivery: Delivery, secret: str) -> bool:
        """By making the signature again."""
        key = unicodedata.normalize("NFKD", secret) if self.normalised else secret
        digest = hmac.digest(key.encode(), delivery.body, "sha256")
        given = delivery.headers.get(self.header, "").strip()
        return any(_equal(given, self.prefix + expected) for expected in _encoded(digest, self.encoding))


@dataclass(frozen=True, slots=True)
class StampedHmac(Proof):
    """`t=…,v1=…`: hex HMAC-SHA256 of Unix time, full stop and body."""

    header: str

    def holds(self, delivery: Delivery, secret: str) -> bool:
        """By making the signature again."""
        stamp, signatures = self._parts(delivery)
        digest = hmac.digest(secret.encode(), stamp.encode() + b"." + delivery.body, "sha256").hex()
        return any(_equal(given, digest) for given in signatures)

    def made_at(self, delivery: Delivery) -> float | None:
        """The signed time."""
        stamp, _ = self._parts(delivery)
        return float(stamp) if stamp.isascii() and stamp.isdigit() and len(stamp) <= 12 else None

    def _parts(self, delivery: Delivery) -> tuple[str, list[str]]:
        parts = [part.strip().partition("=") for part in delivery.headers.get(self.header, "").split(",")]
        stamps = [value for name, _, value in parts if name == "t"]
        return stamps[0] if stamps else "", [value for name, _, value in parts if name == "v1"]


@dataclass(frozen=True, slots=True)
class Suffixed(Proof):
    """Hex SHA-256 of the body, a slash and the secret."""

    header: str

    def holds(self, delivery: Delivery, secret: str) -> bool:
        """By making the digest again."""
        digest = hashlib.sha256(delivery.body + b"/" + secret.encode()).hexdigest()
        return _equal(delivery.headers.get(self.header, "").strip().lower(), digest)


def _encoded(digest: bytes, encoding: str) -> list[str]:
    forms = {"hex": digest.hex(), "base64": base64.b64encode(digest).decode()}
    return list(forms.values()) if encoding == "either" else [forms[encoding]]


def _equal(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())


@dataclass(frozen=True, slots=True)
class Hook:
    """What a carrier's deliveries are like."""

    proof: Proof
    answer: Callable[[dict[str, Any]], Any]
    """The delivery's JSON -> the JSON of a poll's answer that says the same; None where it speaks of no parcel."""
    ordering: str
    """How deliveries are ordered and where the secret comes from, in a sentence for people."""
    secret_field: str = ""
    """The credential that is the secret where none is set."""
    id: tuple[str, ...] = ()
    """Where the payload has an id of its own that a repetition has, too; without one the body is what is repeated."""
    handshake: Callable[[dict[str, Any]], Call | None] | None = None
    """The call that confirms to the carrier that deliveries are wanted, where a delivery asks for that."""

    def identity(self, delivery: Delivery) -> str:
        """What a repetition of this delivery has in common with it, and no other one has. 32 hex characters."""
        own = text(delivery.json(), *self.id) if self.id else ""
        content = f"id {own}".encode() if own else b"body " + delivery.body
        return hashlib.blake2b(content, digest_size=16).hexdigest()

    def reply(self, delivery: Delivery) -> Reply | None:
        """The delivery as the answer to a poll about numbers nobody knows beforehand; None where it speaks of no
        parcel. Raises BadPayload."""
        told = self.answer(delivery.json())
        return None if told is None else Reply((), 200, delivery.body, decoded=told)
