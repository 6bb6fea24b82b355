"""The network of these tests: names lead to applications in this process, and to nothing else."""

from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

import httpx2
from starlette.types import ASGIApp

from demo_clients.relying_party.web import WebApp
from tests.demo_clients.provider import BANK, ISSUER, SHOP, FakeProvider


@dataclass
class Clock:
    """A clock that stands still until it is moved. Unix seconds."""

    at: int = 1_900_000_000

    def __call__(self) -> int:
        """The time."""
        return self.at


@dataclass
class HostRouter(httpx2.AsyncBaseTransport):
    """Sends requests to applications by origin; unknown or unplugged origins cannot be reached."""

    apps: dict[str, ASGIApp] = field(default_factory=dict)
    log: list[httpx2.Request] = field(default_factory=list)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Let the application answer, or fail as a refused connection does."""
        self.log.append(request)
        origin = f"{request.url.scheme}://{request.url.netloc.decode()}"
        if origin not in self.apps:
            raise httpx2.ConnectError(f"nothing listens at {origin}", request=request)
        return await httpx2.ASGITransport(self.apps[origin]).handle_async_request(request)

    def urls(self, origin: str) -> list[str]:
        """What was asked of an origin."""
        return [str(request.url) for request in self.log if str(request.url).startswith(origin)]


@dataclass
class World:
    """Provider, Shop and Bank, joined by `servers`, the network between servers."""

    clock: Clock
    provider: FakeProvider
    servers: HostRouter
    shop: WebApp
    bank: WebApp

    def browser(self) -> httpx2.AsyncClient:
        """A browser with a cookie jar of its own, which follows no redirect by itself."""
        apps: dict[str, ASGIApp] = {ISSUER: self.provider.asgi(), SHOP: self.shop.asgi, BANK: self.bank.asgi}
        return httpx2.AsyncClient(transport=HostRouter(apps), trust_env=False)

    async def post_logout_token(self, token: str, site: str = SHOP) -> httpx2.Response:
        """Deliver a logout token as the provider does."""
        async with httpx2.AsyncClient(transport=self.servers, trust_env=False) as client:
            return await client.post(f"{site}/backchannel-logout", data={"logout_token": token})

    async def call_api(self, site: str, path: str, *credentials: str) -> httpx2.Response:
        """GET an API with any number of Authorization headers, as they are."""
        headers = [(b"Authorization", value.encode("latin-1")) for value in credentials]
        async with httpx2.AsyncClient(transport=self.servers, trust_env=False) as client:
            return await client.send(httpx2.Request("GET", site + path, headers=headers))


async def answer_of_provider(browser: httpx2.AsyncClient, site: str = SHOP, path: str = "/login") -> str:
    """Begin a sign-in and let the provider answer: the callback URL that the browser would go to."""
    sent = await browser.get(site + path)
    assert sent.status_code == 303, sent.text
    answered = await browser.get(sent.headers["location"])
    return str(answered.headers["location"])


async def sign_in(browser: httpx2.AsyncClient, site: str = SHOP, path: str = "/login") -> httpx2.Response:
    """Sign in wholly; the answer of the callback, which must be a redirect."""
    response = await browser.get(await answer_of_provider(browser, site, path))
    assert response.status_code == 303, response.text
    return response


async def is_signed_in(browser: httpx2.AsyncClient, site: str = SHOP) -> bool:
    """Whether the front page greets somebody."""
    return 'id="who"' in (await browser.get(f"{site}/")).text


async def csrf_token(browser: httpx2.AsyncClient, site: str = SHOP) -> str:
    """The token of the forms on the page `/try`, which is there for whoever is signed in."""
    text = (await browser.get(f"{site}/try")).text
    return text.split('name="csrf_token" value="', 1)[1].split('"', 1)[0]


async def post_form(browser: httpx2.AsyncClient, path: str, site: str = SHOP, **fields: str) -> httpx2.Response:
    """Post a form of our own page."""
    return await browser.post(site + path, data={"csrf_token": await csrf_token(browser, site), **fields})


def parameters(url: str) -> dict[str, str]:
    """The query of a URL."""
    return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))


async def prove(browser: httpx2.AsyncClient, order: str) -> httpx2.Response:
    """Press the button of a transfer that was challenged, sign in as asked, and come back: the transfer's page."""
    sent = await post_form(browser, f"{order}/prove", BANK)
    assert sent.status_code == 303, sent.text
    back = await browser.get((await browser.get(sent.headers["location"])).headers["location"])
    assert back.headers["location"] == order
    return await browser.get(BANK + order)
