"""A request to make and an answer to read, without an HTTP library.

Owns the shape of both and the reading that is alike for every carrier: JSON, XML, HTTP errors, Retry-After.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Self
from urllib.parse import quote, urlencode
from xml.parsers.expat import ExpatError

import orjson
import xmltodict

from carriers.sdk.errors import AuthFailed, BadPayload, CarrierError, NotFound, RateLimited, Unavailable
from carriers.sdk.numbers import TrackingNumber
from carriers.sdk.reading import record


def segment(text: str) -> str:
    """`text` as one segment of a URL path: everything but letters, digits and `-._~` percent-encoded."""
    return quote(text, safe="")


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request about one or more tracking numbers. `path` is relative to the base URL, encoded."""

    numbers: tuple[TrackingNumber, ...]
    method: str
    path: str
    query: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    """A tuple repeats its name."""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None

    @classmethod
    def get(
        cls,
        numbers: Sequence[TrackingNumber],
        path: str,
        *,
        query: Mapping[str, str | tuple[str, ...]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Self:
        """A GET. Put numbers into `path` through `segment`."""
        return cls(tuple(numbers), "GET", path, query or {}, headers or {})

    @classmethod
    def post_json(
        cls,
        numbers: Sequence[TrackingNumber],
        path: str,
        payload: object,
        *,
        query: Mapping[str, str | tuple[str, ...]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Self:
        """A POST with a JSON body."""
        return cls(
            tuple(numbers),
            "POST",
            path,
            query or {},
            {"Content-Type": "application/json", **(headers or {})},
            orjson.dumps(payload),
        )

    @classmethod
    def post_xml(
        cls, numbers: Sequence[TrackingNumber], path: str, document: str, *, headers: Mapping[str, str] | None = None
    ) -> Self:
        """A POST with an XML body; put numbers into it through `xml.sax.saxutils.escape`."""
        return cls(
            tuple(numbers),
            "POST",
            path,
            headers={"Content-Type": "text/xml; charset=utf-8", "Accept": "text/xml", **(headers or {})},
            body=document.encode(),
        )

    @classmethod
    def post_form(
        cls,
        numbers: Sequence[TrackingNumber],
        path: str,
        fields: Mapping[str, str],
        *,
        query: Mapping[str, str | tuple[str, ...]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Self:
        """A POST with the fields of a form as its body."""
        return cls(
            tuple(numbers),
            "POST",
            path,
            query or {},
            {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})},
            urlencode(fields, safe="{}").encode(),
        )


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer. `numbers` are the ones asked, empty where nobody knows; header names are lower case."""

    numbers: tuple[TrackingNumber, ...]
    status: int
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    decoded: Any = field(default=None, repr=False, compare=False)
    """The body as JSON where it was decoded before, or a part of it."""

    def json(self) -> Any:
        """The body as JSON; BadPayload for HTML, a truncated body or anything else that is not JSON."""
        if self.decoded is not None:
            return self.decoded
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            head = self.body[:200].lstrip().lower()
            kind = "an HTML page" if head.startswith((b"<!doctype html", b"<html")) else "no readable JSON"
            raise BadPayload(f"HTTP {self.status} with {kind} ({len(self.body)} bytes)") from None

    def xml(self) -> dict[str, Any]:
        """The body as XML, in JSON's shape; BadPayload for anything else.

        An element is an object of its attributes and children, by their names without prefix; an array where
        a name repeats; a string where it holds text alone, with the text as `#text` where it has more than that.
        Entities are not expanded. `records` and `text` walk it as they walk JSON.
        """
        if self.decoded is not None:
            return record(self.decoded)
        try:
            return record(xmltodict.parse(self.body, attr_prefix="", postprocessor=_local_name))
        except (ExpatError, ValueError, RecursionError):
            raise BadPayload(f"HTTP {self.status} with no readable XML ({len(self.body)} bytes)") from None

    @property
    def retry_after(self) -> float | None:
        """Seconds from the Retry-After header (a number or an HTTP date), if there is a sensible one."""
        value = self.headers.get("retry-after", "").strip()
        if not value:
            return None
        try:
            seconds = float(value)
        except ValueError:
            pass
        else:
            return max(0.0, seconds) if math.isfinite(seconds) else None
        try:
            moment = parsedate_to_datetime(value)
        except (ValueError, OverflowError):
            return None
        sent = self.headers.get("date")
        try:
            reference = parsedate_to_datetime(sent) if sent else datetime.now(UTC)
        except (ValueError, OverflowError):
            reference = datetime.now(UTC)
        if moment.tzinfo is None or reference.tzinfo is None:
            return None
        return max(0.0, (moment - reference).total_seconds())

    @property
    def exhausted(self) -> float | None:
        """Seconds until calls are left again, where the rate-limit headers say that none is.

        `X-RateLimit-Remaining` or `RateLimit-Remaining` with `…-Reset` (seconds, or an instant in Unix time), and the
        gateways' `X-RateLimit-Remaining-Minute` and its like, where the window's whole length counts.
        """
        waits = [
            seconds
            for window, seconds in (("second", 1.0), ("minute", 60.0), ("hour", 3600.0), ("day", 86400.0))
            if self.headers.get(f"x-ratelimit-remaining-{window}", "").strip() == "0"
        ]
        for prefix in ("x-ratelimit", "ratelimit"):
            if self.headers.get(f"{prefix}-remaining", "").strip() == "0":
                waits.append(self._until(self.headers.get(f"{prefix}-reset", "")))
        return max(waits, default=None)

    def _until(self, reset: str) -> float:
        """A reset header in seconds from the answer; a minute where it says nothing sensible."""
        try:
            seconds = float(reset)
        except ValueError:
            return 60.0
        if seconds > 1e9:  # an instant
            try:
                sent = parsedate_to_datetime(self.headers["date"]).timestamp()
            except (KeyError, ValueError, OverflowError):
                sent = datetime.now(UTC).timestamp()
            seconds -= sent
        return min(max(seconds, 0.0), 86400.0) if math.isfinite(seconds) else 60.0

    def failure(self, message: str = "") -> CarrierError | None:
        """The error an HTTP status stands for with nearly every carrier, or None for 2xx.

        401 and 403 AuthFailed, 404 NotFound, 408 and 5xx Unavailable, 429 RateLimited, else BadPayload.
        `message`: the carrier's own words, without secrets or customer data.
        """
        if 200 <= self.status < 300:
            return None
        text = f"HTTP {self.status}" + (f": {message}" if message else "")
        if self.status in (401, 403):
            return AuthFailed(text)
        if self.status == 404:
            return NotFound(text)
        if self.status == 429:
            return RateLimited(text, retry_after=self.retry_after)
        if self.status == 408 or self.status >= 500:
            return Unavailable(text, retry_after=self.retry_after)
        return BadPayload(text)


def _local_name(_path: object, key: str, value: Any) -> Any:
    """A name without its namespace's prefix; None, which leaves it out, for the declaration of a namespace."""
    return None if key.startswith("xmlns") else (key.rpartition(":")[2], value)
