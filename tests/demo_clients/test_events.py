"""Server-sent events: an open page learns within moments that its session is over."""

import asyncio
from typing import Any

import httpx2
import pytest

from demo_clients.relying_party.events import MAX_STREAMS, EventBroker
from tests.demo_clients.wire import World, post_form, sign_in

pytestmark = pytest.mark.anyio


class OpenPage:
    """An event stream as a browser holds it; the body is collected as it comes."""

    def __init__(self, world: World, browser: httpx2.AsyncClient) -> None:
        self.body = b""
        self.status = 0
        self.headers: dict[str, str] = {}
        self._closed = asyncio.Event()
        cookie = "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.cookies.jar)
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": "/events",
            "raw_path": b"/events",
            "query_string": b"",
            "root_path": "",
            "headers": [(b"host", b"shop.localhost:9001"), (b"cookie", cookie.encode())],
            "client": ("127.0.0.1", 1),
            "server": ("shop.localhost", 9001),
        }
        self.done = asyncio.ensure_future(world.shop.asgi(scope, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        await self._closed.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            self.body += message.get("body", b"")

    async def opened(self) -> None:
        """Wait until the stream has begun and the page is registered."""
        async with asyncio.timeout(2):
            while b"retry:" not in self.body:
                await asyncio.sleep(0)
            for _ in range(5):
                await asyncio.sleep(0)

    async def ended(self) -> None:
        """Wait until the stream is over, for a second at most."""
        async with asyncio.timeout(1):
            await self.done

    async def leave(self) -> None:
        """Close the page."""
        self._closed.set()
        await self.ended()


async def test_page_hears_of_a_backchannel_logout(world: World, browser: httpx2.AsyncClient) -> None:
    """The stream stays silent while the session lives and says `signed-out` when it ends."""
    await sign_in(browser)
    page = OpenPage(world, browser)
    await page.opened()
    assert (page.status, page.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert b"event:" not in page.body
    await world.post_logout_token(world.provider.logout_token())
    await page.ended()
    assert b"event: signed-out\n" in page.body


@pytest.mark.parametrize("where", ["here", "everywhere"])
async def test_other_tabs_hear_of_a_local_sign_out(world: World, browser: httpx2.AsyncClient, where: str) -> None:
    """Signing out in one tab reaches the others."""
    await sign_in(browser)
    page = OpenPage(world, browser)
    await page.opened()
    await post_form(browser, "/logout", where=where)
    await page.ended()
    assert b"event: signed-out\n" in page.body


async def test_reconnected_page_without_session_hears_at_once(world: World, browser: httpx2.AsyncClient) -> None:
    """A page that was away while the session ended, or the server restarted, learns it on reconnecting."""
    page = OpenPage(world, browser)
    await page.ended()
    assert b"event: signed-out\n" in page.body


async def test_too_many_tabs_do_not_starve_each_other(world: World, browser: httpx2.AsyncClient) -> None:
    """The oldest stream of a session gives way, and is told so."""
    await sign_in(browser)
    pages = [OpenPage(world, browser) for _ in range(MAX_STREAMS)]
    for page in pages:
        await page.opened()
    newest = OpenPage(world, browser)
    await newest.opened()
    await pages[0].ended()
    assert b"event: replaced\n" in pages[0].body
    await world.post_logout_token(world.provider.logout_token())
    for page in [*pages[1:], newest]:
        await page.ended()
        assert b"event: signed-out\n" in page.body


async def test_closed_page_is_forgotten(world: World, browser: httpx2.AsyncClient) -> None:
    """A page that goes away leaves nothing behind."""
    await sign_in(browser)
    page = OpenPage(world, browser)
    await page.opened()
    await page.leave()
    assert world.shop.party.events.is_idle


async def test_streams_end_when_the_server_stops(world: World, browser: httpx2.AsyncClient) -> None:
    """Closing the broker ends the streams without any event, so that pages reconnect."""
    await sign_in(browser)
    page = OpenPage(world, browser)
    await page.opened()
    world.shop.party.events.close()
    await page.ended()
    assert b"event:" not in page.body


async def test_events_reach_their_own_session_only() -> None:
    """An event for one session is not sent to another."""
    broker = EventBroker()
    stream = broker.stream("mine", signed_in=True)
    await anext(stream)
    waiting = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0)
    broker.publish("yours", "signed-out")
    await asyncio.sleep(0)
    assert not waiting.done()
    broker.publish("mine", "signed-out")
    assert b"signed-out" in await waiting
