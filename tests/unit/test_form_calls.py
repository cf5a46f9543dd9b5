"""A call with a form for its body."""

from urllib.parse import parse_qs

from carriers.sdk import Call, tracking_number
from carriers.sdk.auth import placed

NUMBER = tracking_number("GE914000778DE")


def test_fields_come_through_whatever_they_hold() -> None:
    call = Call.post_form([NUMBER], "/track.do", {"xml_in": '<a b="1">&amp; ä</a>'}, query={"version": "3"})

    assert call.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert call.query == {"version": "3"}
    assert parse_qs((call.body or b"").decode()) == {"xml_in": ['<a b="1">&amp; ä</a>']}


def test_secrets_are_placed_in_it() -> None:
    call = placed(Call.post_form([NUMBER], "/track.do", {"key": "{{api_key}}"}), {"api_key": "a&b=c"})

    assert parse_qs((call.body or b"").decode()) == {"key": ["a&b=c"]}
