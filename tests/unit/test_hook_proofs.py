"""How carriers prove their deliveries, with signatures made here by hand; and what their deliveries say."""

import base64
import hashlib
import hmac
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from carriers.sdk import BadPayload, Reply, read
from carriers.sdk.events import Event
from carriers.sdk.hooks import Delivery, Hook, Token
from carriers.sdk.registry import carrier, known_carriers
from tracker.timeline import event_key

CASES = Path(__file__).parents[1] / "carriers"
SECRET = "s3cret-ﬁ-42"  # with a ligature: it makes a difference where the secret is normalised
AT = 1_772_809_960
CARRIERS = ("aftership", "dhl", "easypost", "fedex", "seventeentrack", "shippo", "ups")


def sha(key: str, content: bytes) -> bytes:
    return hmac.new(key.encode(), content, hashlib.sha256).digest()


SIGNED: dict[str, Callable[[bytes], dict[str, str]]] = {
    "aftership": lambda body: {"aftership-hmac-sha256": base64.b64encode(sha(SECRET, body)).decode()},
    "dhl": lambda body: {"x-hook-token": SECRET},
    "easypost": lambda body: {
        "x-hmac-signature": "hmac-sha256-hex=" + sha(unicodedata.normalize("NFKD", SECRET), body).hex()
    },
    "fedex": lambda body: {"fdx-signature": base64.b64encode(sha(SECRET, body)).decode()},
    "seventeentrack": lambda body: {"sign": hashlib.sha256(body + f"/{SECRET}".encode()).hexdigest()},
    "shippo": lambda body: {"shippo-auth-signature": f"t={AT},v1={sha(SECRET, f'{AT}.'.encode() + body).hex()}"},
    "ups": lambda body: {"credential": SECRET},
}


def hook_of(code: str) -> Hook:
    hook = carrier(code).hook
    assert hook is not None
    return hook


def body_of(code: str, name: str = "hook.json") -> bytes:
    return (CASES / code / name).read_bytes()


def events_of(code: str, reply: Reply | None) -> tuple[Event, ...]:
    assert reply is not None
    (report,) = read(carrier(code), reply)
    return report.shipments[0].events


def test_these_carriers_deliver_and_no_others() -> None:
    assert {code for code in known_carriers() if carrier(code).hook} == set(CARRIERS)


@pytest.mark.parametrize("code", CARRIERS)
def test_only_who_knows_the_secret_delivers(code: str) -> None:
    proof, body = hook_of(code).proof, body_of(code)
    headers = SIGNED[code](body)
    assert proof.holds(Delivery(headers, body), SECRET)
    assert not proof.holds(Delivery(headers, body), "another")
    assert not proof.holds(Delivery({}, body), SECRET)
    for name, value in headers.items():
        for wrong in ("", value[:-1], value + "0", value.swapcase() if code != "seventeentrack" else "é", "ÿ" * 44):
            assert not proof.holds(Delivery({name: wrong}, body), SECRET)
    if not isinstance(proof, Token):
        assert not proof.holds(Delivery(headers, body + b" "), SECRET)


def test_fedex_may_write_its_signature_in_hex() -> None:
    body = body_of("fedex")
    assert hook_of("fedex").proof.holds(Delivery({"fdx-signature": sha(SECRET, body).hex()}, body), SECRET)


def test_a_stamp_is_signed_with_the_body() -> None:
    proof, body = hook_of("shippo").proof, body_of("shippo")
    (signed,) = SIGNED["shippo"](body).values()
    delivery = Delivery({"shippo-auth-signature": signed}, body)
    assert proof.made_at(delivery) == AT
    later = signed.replace(str(AT), str(AT + 600))
    assert not proof.holds(Delivery({"shippo-auth-signature": later}, body), SECRET)
    for stamp in ("", "t=,v1=00", "t=soon,v1=00", "t=²,v1=00", "v1=00"):
        assert proof.made_at(Delivery({"shippo-auth-signature": stamp}, body)) is None


@pytest.mark.parametrize("code", CARRIERS)
def test_a_delivery_tells_the_events_of_a_poll_with_their_codes_times_and_keys(code: str) -> None:
    delivered = events_of(code, hook_of(code).reply(Delivery({}, body_of(code))))
    polled = events_of(code, Reply((), 200, body_of(code, "out_for_delivery.json")))
    assert (delivered[0].occurred_at, delivered[0].code) == (polled[0].occurred_at, polled[0].code)
    assert delivered[0].meaning == polled[0].meaning
    if code != "ups":  # an alert leaves the postal code out until the delivery
        assert {event_key(event) for event in delivered} <= {event_key(event) for event in polled}


@pytest.mark.parametrize("code", CARRIERS)
@pytest.mark.parametrize("body", [b"{}", b'{"event": "x", "data": null, "result": [], "msg": 3, "shipments": {}}'])
def test_what_speaks_of_no_parcel_says_nothing(code: str, body: bytes) -> None:
    assert hook_of(code).reply(Delivery({}, body)) is None


@pytest.mark.parametrize("code", CARRIERS)
@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b'{"a": ', b"\xff"])
def test_what_is_no_json_object_cannot_be_read(code: str, body: bytes) -> None:
    with pytest.raises(BadPayload):
        hook_of(code).reply(Delivery({}, body))


def test_a_repetition_is_known_by_its_id_or_by_its_body() -> None:
    easypost, ups = hook_of("easypost"), hook_of("ups")

    def identity(hook: Hook, body: bytes) -> str:
        return hook.identity(Delivery({}, body))

    assert identity(easypost, b'{"id": "evt_1"}') == identity(easypost, b'{"id": "evt_1", "status": "retried"}')
    assert identity(easypost, b'{"id": "evt_1"}') != identity(easypost, b'{"id": "evt_2"}')
    assert identity(ups, b'{"id": "1"}') == identity(ups, b'{"id": "1"}')
    assert identity(ups, b'{"id": "1"}') != identity(ups, b'{"id": "1" }')


def test_dhl_asks_whether_its_deliveries_are_wanted() -> None:
    handshake = hook_of("dhl").handshake
    assert handshake is not None
    call = handshake(Delivery({}, body_of("dhl", "hook_validate.json")).json())
    assert call is not None
    assert call.path == "/tracking/push/v1/subscription/6a0b2c9e-4d1f"
    assert call.headers == {"DHL-API-Hook-Secret": "k3PqYw81"}
    assert handshake(Delivery({}, body_of("dhl")).json()) is None
    assert handshake({"scope": "subscription.validate", "self": "x/1", "secret": "a\r\nb: c"}) is None


def test_a_delivery_shows_nothing_of_itself() -> None:
    assert repr(Delivery({"credential": SECRET}, b"body")) == "Delivery()"
