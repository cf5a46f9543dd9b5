"""The buttons: what each does, what goes out to Order Protection, and who may press them."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from carriers.sdk.status import FulfillmentStatus
from tests.scene import NOW, STALLED, Scene
from tracker import web
from tracker.models import Role
from tracker.store import outbox, tokens
from tracker.timeline import RollUp

T = TypeVar("T")
HTML = {"Accept": "text/html"}


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(tmp_path, count=0)
    yield scene
    scene.close()


class Desk:
    """A browser at the desk."""

    def __init__(self, client: httpx.AsyncClient, scene: Scene) -> None:
        self.client = client
        self.path = f"/fulfillments/{scene.fulfillment(STALLED)}"

    async def csrf(self) -> str:
        """What a page of ours has in its forms."""
        page = await self.client.get(self.path, follow_redirects=True)
        found = re.search(r'name="csrf" value="(\w+)"', page.text)
        assert found
        return found[1]

    async def press(self, action: str, **fields: str) -> httpx.Response:
        form = {"csrf": await self.csrf(), **fields}
        return await self.client.post(f"{self.path}/{action}", data=form)

    async def page(self) -> str:
        return (await self.client.get(self.path)).text

    async def log_in(self, token: str) -> httpx.Response:
        page = await self.client.get("/login")
        found = re.search(r'name="csrf" value="(\w+)"', page.text)
        assert found
        return await self.client.post("/login", data={"csrf": found[1], "token": token, "next": self.path})


def at_desk(scene: Scene, work: Callable[[Desk], Awaitable[T]]) -> T:
    async def run() -> T:
        transport = httpx.ASGITransport(web.build(scene.services))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=HTML) as client:
            return await work(Desk(client, scene))

    return asyncio.run(run())


def rows(scene: Scene, query: str, *parameters: object) -> list[tuple[Any, ...]]:
    with scene.database.read() as db:
        return [tuple(row) for row in db.exec_driver_sql(query, parameters)]


def waiting(scene: Scene) -> list[tuple[Any, ...]]:
    return rows(scene, "SELECT status, fulfillment_id FROM pushes WHERE state = 'waiting' ORDER BY id")


def claimed(scene: Scene) -> list[str]:
    """What the relay would push now."""
    with scene.database.write() as tx:
        due = outbox.claim(tx, limit=10, token="t", now=scene.clock.now(), until=scene.clock.now())
        for one in due:
            outbox.postpone(tx, one.id, "t", next_attempt_at=scene.clock.now(), error=None, counted=False)
    return [one.status for one in due]


def told(scene: Scene, status: str) -> None:
    """The carrier says something else of the parcel, and it is folded as after a poll."""
    id = scene.fulfillment(STALLED)
    with scene.database.write() as tx:
        tx.exec_driver_sql(
            "UPDATE parcels SET status = ?, status_at = ?, reason = 'XX: scanned' WHERE id ="
            " (SELECT parcel_id FROM fulfillment_parcels WHERE fulfillment_id = ?)",
            (status, scene.clock.now().isoformat(timespec="microseconds"), id),
        )
        outbox.refold(tx, [id], scene.clock.now(), RollUp.ATTENTION)


def status_of(scene: Scene) -> str:
    return str(rows(scene, "SELECT status FROM fulfillments WHERE source_fulfillment_id = ?", STALLED)[0][0])


def test_poll_now_makes_its_parcels_due_first(scene: Scene) -> None:
    answer = at_desk(scene, lambda desk: desk.press("poll"))
    assert answer.status_code == 303
    assert answer.headers["location"].endswith("?done=poll#done")
    [(due, priority)] = rows(
        scene,
        "SELECT next_poll_at, priority FROM parcels WHERE id ="
        " (SELECT parcel_id FROM fulfillment_parcels WHERE fulfillment_id = ?)",
        scene.fulfillment(STALLED),
    )
    assert due == NOW.isoformat(timespec="microseconds")
    assert priority == 3
    assert "asked to poll now" in at_desk(scene, lambda desk: desk.page())


def test_a_status_given_by_hand_is_pushed_and_shown_with_its_note(scene: Scene) -> None:
    before = waiting(scene)
    at_desk(scene, lambda desk: desk.press("status", status="FAILURE", note="The recipient <b>says</b> it is lost."))
    assert status_of(scene) == "FAILURE"
    assert waiting(scene) == [*before, ("FAILURE", scene.fulfillment(STALLED))]
    page = at_desk(scene, lambda desk: desk.page())
    assert "by hand" in page
    assert "The recipient &lt;b&gt;says&lt;/b&gt; it is lost." in page
    assert "local gave it Failure" in page


def test_it_stands_until_a_carrier_says_something_new(scene: Scene) -> None:
    at_desk(scene, lambda desk: desk.press("status", status="ON_HOLD", note="customs called"))
    with scene.database.write() as tx:  # what was known already changes nothing, whoever folds it again
        assert outbox.refold(tx, [scene.fulfillment(STALLED)], NOW, RollUp.ATTENTION) == 0
    assert status_of(scene) == "ON_HOLD"
    scene.clock.time += timedelta(hours=2)
    told(scene, "OUT_FOR_DELIVERY")
    assert status_of(scene) == "OUT_FOR_DELIVERY"
    assert rows(scene, "SELECT COUNT(*) FROM overrides") == [(0,)]


def test_the_trackers_own_overdue_is_no_news(scene: Scene) -> None:
    told(scene, "IN_TRANSIT")
    at_desk(scene, lambda desk: desk.press("status", status="FAILURE", note="refunded"))
    with scene.database.write() as tx:
        tx.exec_driver_sql("UPDATE parcels SET status = 'DELAYED', reason = 'overdue: promised by 2026-03-03'")
        outbox.refold(tx, [scene.fulfillment(STALLED)], NOW, RollUp.ATTENTION)
    assert status_of(scene) == "FAILURE"


def test_a_carrier_that_comes_to_agree_ends_it_without_a_push(scene: Scene) -> None:
    at_desk(scene, lambda desk: desk.press("status", status="DELIVERED", note="it lies on the porch"))
    before = waiting(scene)
    told(scene, "DELIVERED")
    assert waiting(scene) == before
    assert "by hand</span>" not in at_desk(scene, lambda desk: desk.page())


def test_taken_back_what_the_carriers_say_counts_again(scene: Scene) -> None:
    came_to = status_of(scene)

    async def there_and_back(desk: Desk) -> None:
        await desk.press("status", status="ON_HOLD", note="a")
        await desk.press("status", status="FAILURE", note="b")
        await desk.press("take-back")

    at_desk(scene, there_and_back)
    assert status_of(scene) == came_to
    assert waiting(scene)[-1][0] == came_to


def test_taken_back_where_no_carrier_spoke_the_imported_status_is_there_again(scene: Scene) -> None:
    with scene.database.write() as tx:
        tx.exec_driver_sql("UPDATE parcels SET status = NULL")
        tx.exec_driver_sql("UPDATE fulfillments SET status = 'FULFILLED'")

    async def there_and_back(desk: Desk) -> None:
        await desk.press("status", status="DELIVERED", note="a")
        await desk.press("take-back")

    at_desk(scene, there_and_back)
    assert status_of(scene) == FulfillmentStatus.FULFILLED


@pytest.mark.parametrize(
    ("fields", "code"),
    [({"status": "FAILURE"}, 409), ({"status": "NOPE", "note": "x"}, 422), ({"status": "DELAYED", "note": "x"}, 409)],
)
def test_a_status_needs_a_note_and_has_to_be_another_one(scene: Scene, fields: dict[str, str], code: int) -> None:
    answer = at_desk(scene, lambda desk: desk.press("status", **fields))
    assert answer.status_code == code
    assert answer.headers["content-type"].startswith("text/html")
    assert rows(scene, "SELECT COUNT(*) FROM overrides") == [(0,)]


def test_muted_nothing_is_pushed_and_nobody_is_needed(scene: Scene) -> None:
    async def stalled(desk: Desk) -> int:
        page = (await desk.client.get("/")).text
        found = re.search(r'need=stalled"><b>(\d+)', page)
        return int(found[1]) if found else 0

    before = at_desk(scene, stalled)
    at_desk(scene, lambda desk: desk.press("mute", note="refunded"))
    assert at_desk(scene, stalled) == before - 1
    told(scene, "OUT_FOR_DELIVERY")
    told(scene, "DELIVERED")
    assert claimed(scene) == []
    assert "held back" in at_desk(scene, lambda desk: desk.page())
    at_desk(scene, lambda desk: desk.press("unmute"))
    assert claimed(scene) == ["DELIVERED"]  # the newest of what was held back


def test_dead_pushes_are_tried_again_or_given_up(scene: Scene) -> None:
    [(push,)] = rows(scene, "SELECT id FROM pushes WHERE state = 'dead'")

    async def choose(desk: Desk, action: str) -> httpx.Response:
        return await desk.client.post(f"/outbox/{action}", data={"csrf": await desk.csrf(), "push": str(push)})

    assert (
        at_desk(scene, lambda desk: choose(desk, "retry"))
        .headers["location"]
        .startswith("/outbox?done=retry&changed=1")
    )
    assert rows(scene, "SELECT state FROM pushes WHERE id = ?", push) == [("waiting",)]
    at_desk(scene, lambda desk: choose(desk, "drop"))
    assert rows(scene, "SELECT state FROM pushes WHERE id = ?", push) == [("dropped",)]


def test_nothing_chosen_changes_nothing(scene: Scene) -> None:
    async def none(desk: Desk) -> httpx.Response:
        return await desk.client.post("/outbox/drop", data={"csrf": await desk.csrf()})

    assert "changed=0" in at_desk(scene, none).headers["location"]
    assert rows(scene, "SELECT COUNT(*) FROM pushes WHERE state = 'dead'") == [(1,)]


# --- who may


def test_a_form_without_our_token_does_nothing(scene: Scene) -> None:
    async def forged(desk: Desk) -> list[int]:
        path = f"{desk.path}/status"
        form = {"status": "DELIVERED", "note": "x"}
        other_site = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
        answers = [
            await desk.client.post(path, data=form),
            await desk.client.post(path, data={**form, "csrf": "0" * 64}),
            await desk.client.post(path, data={**form, "csrf": "ü"}),
            await desk.client.post(path, data={**form, "csrf": await desk.csrf()}, headers=other_site),
            await desk.client.get(path),
        ]
        return [answer.status_code for answer in answers]

    assert at_desk(scene, forged) == [403, 403, 403, 403, 405]
    assert status_of(scene) == "DELAYED"


def token_of(scene: Scene, role: Role, name: str = "desk") -> str:
    with scene.database.write() as tx:
        return tokens.add(tx, name, role, None, NOW)


def test_a_session_is_a_word_of_its_own_in_a_strict_cookie(scene: Scene) -> None:
    token = token_of(scene, Role.WRITE)

    async def come_in(desk: Desk) -> tuple[httpx.Response, str]:
        return await desk.log_in(token), await desk.page()

    answer, page = at_desk(scene, come_in)
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert token not in cookie
    assert answer.headers["location"].startswith("/fulfillments/")
    assert "Log out desk" in page
    assert token not in page


def test_whoever_may_write_signs_with_the_tokens_name(scene: Scene) -> None:
    token = token_of(scene, Role.WRITE, "nora")

    async def act(desk: Desk) -> str:
        await desk.log_in(token)
        await desk.press("mute", note="done")
        return await desk.page()

    assert "<b>nora</b> muted it" in at_desk(scene, act)


def test_whoever_may_read_sees_no_button_and_presses_none(scene: Scene) -> None:
    token = token_of(scene, Role.READ)

    async def act(desk: Desk) -> tuple[str, httpx.Response]:
        await desk.log_in(token)
        return await desk.page(), await desk.press("poll")

    page, answer = at_desk(scene, act)
    assert "Poll now" not in page
    assert answer.status_code == 403
    assert "log in with one of role write" in answer.text


def test_a_wrong_token_opens_nothing(scene: Scene) -> None:
    token_of(scene, Role.WRITE)

    async def act(desk: Desk) -> tuple[httpx.Response, int]:
        return await desk.log_in("ftk_000000000000_wrong"), (await desk.client.get("/")).status_code

    refused, code = at_desk(scene, act)
    assert refused.status_code == 401
    assert "unknown, revoked or expired" in refused.text
    assert code == 303


def test_a_revoked_token_a_logout_and_time_end_a_session(scene: Scene) -> None:
    token = token_of(scene, Role.WRITE)

    async def act(desk: Desk) -> list[int]:
        codes = []
        await desk.log_in(token)
        codes.append((await desk.client.get("/")).status_code)
        await desk.client.post("/logout", data={"csrf": await desk.csrf()})
        codes.append((await desk.client.get("/")).status_code)
        await desk.log_in(token)
        scene.clock.time += timedelta(hours=13)
        codes.append((await desk.client.get("/")).status_code)
        await desk.log_in(token)
        with scene.database.write() as tx:
            tokens.revoke(tx, "desk")
            tokens.add(tx, "other", Role.READ, None, NOW)
        codes.append((await desk.client.get("/")).status_code)
        return codes

    assert at_desk(scene, act) == [200, 303, 303, 303]


def test_login_leads_nowhere_else(scene: Scene) -> None:
    token = token_of(scene, Role.READ)

    async def act(desk: Desk, target: str) -> str:
        page = await desk.client.get("/login")
        found = re.search(r'name="csrf" value="(\w+)"', page.text)
        assert found
        form = {"csrf": found[1], "token": token, "next": target}
        return (await desk.client.post("/login", data=form)).headers["location"]

    for target in ("https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/\r\nX: y"):
        assert at_desk(scene, lambda desk, target=target: act(desk, target)) == "/"
    assert at_desk(scene, lambda desk: act(desk, "/parcels?need=late")) == "/parcels?need=late"
