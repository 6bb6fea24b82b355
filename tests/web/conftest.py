"""A provider on a real port and a relying party's landing page on another origin, for a real Chromium."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlencode

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page

from idp.stores.sql.storage import SqlStorage
from tests.demo import chromium
from tests.ports import free_port
from tests.provider import CHALLENGE, PASSWORD, House, make_house
from tests.second_factors import give_app, give_codes


@dataclass(frozen=True)
class Live:
    """The running provider and the relying party's origin."""

    house: House
    issuer: str
    relying_party: str

    def authorize_url(self, client_id: str = "web", **more: str) -> str:
        """Return an authorization request of the client."""
        params = {
            "client_id": client_id,
            "redirect_uri": f"{self.relying_party}/cb",
            "response_type": "code",
            "scope": "openid profile email",
            "state": "st",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        return f"{self.issuer}/oauth2/authorize?{urlencode(params | more)}"


# A logo that would run a script, were it a document.
LOGO = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 44 44"><circle cx="22" cy="22" r="18" fill="#c2410c"/>'
    b"<script>document.title = 'owned'; parent.owned = true</script></svg>"
)


class Landing(BaseHTTPRequestHandler):
    """Answers whatever comes with one word, and remembers it."""

    seen: ClassVar[list[str]] = []
    referrers: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        """Answer."""
        self.seen.append(f"GET {self.path}")
        self._answer()

    def do_POST(self) -> None:
        """Answer a form."""
        form = self.rfile.read(int(self.headers["content-length"])).decode()
        self.seen.append(f"POST {self.path} {form}")
        self._answer()

    def _answer(self) -> None:
        body, kind = b"<!doctype html><html lang=en><title>rp</title><p id=arrived>arrived</p>", "text/html"
        if self.path.startswith("/logo"):
            body, kind = LOGO, "image/svg+xml"
            self.referrers.append(self.headers.get("referer", ""))
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing."""


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Both servers, running."""
    with running(tmp_path_factory.mktemp("live")) as made:
        yield made


@contextmanager
def running(
    folder: Path,
    idp_host: str = "idp.localhost",
    party_host: str = "rp.localhost",
    certificate: Path | None = None,
    **settings: Any,
) -> Iterator[Live]:
    """Run both servers until the block ends, over https if there is a certificate."""
    port, scheme = free_port(2), "https" if certificate else "http"
    issuer, party = f"{scheme}://{idp_host}:{port}", f"{scheme}://{party_host}:{port + 1}"
    storage = SqlStorage(f"sqlite:///{folder}/signet.sqlite3")
    storage.migrate()
    house = make_house(
        storage,
        folder / "kek",
        issuer=issuer,
        allow_loopback_clients=True,
        throttle={"window_seconds": 900, "per_account": 5, "per_address": 10_000, "per_client": 100},
        **settings,
    )
    for name, first_party in (("web", True), ("third", False)):
        uris = {"redirect_uris": [f"{party}/cb"], "post_logout_redirect_uris": [f"{party}/bye"]}
        house.add_client(name, first_party=first_party, client_uri=f"{party}/", **uris)  # type: ignore[arg-type]
    house.add_client(
        "stranger",
        first_party=False,
        registration_token="r",
        client_name="Signet",
        client_uri="https://signet.example/",
        logo_uri=f"{party}/logo;v=1,2.svg?size=44",
        policy_uri=f"{party}/policy",
        tos_uri=f"{party}/terms",
        redirect_uris=[f"{party}/cb"],
    )
    house.add_client(
        "legacy",
        profile="oidc_legacy",
        redirect_uris=[f"{party}/cb"],
        post_logout_redirect_uris=[f"{party}/bye"],
        response_types=["code", "id_token"],
        grant_types=["authorization_code", "implicit"],
        frontchannel_logout_uri=f"{party}/front",
    )
    house.add_account("alice")
    house.add_account("bob")
    house.add_account("mallory")
    house.add_client("vault", redirect_uris=[f"{party}/cb"], client_uri=f"{party}/", require_second_factor=True)
    for name in ("carol", "dave"):
        house.add_account(name)
    give_app(house, "carol")
    give_codes(house, "carol")
    server = uvicorn.Server(
        uvicorn.Config(house.app, port=port, log_level="error", ws="none", ssl_certfile=certificate)
    )
    landing = ThreadingHTTPServer(("127.0.0.1", port + 1), Landing)
    if certificate:
        secured = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        secured.load_cert_chain(certificate)
        # The handshake is the handler's: browsers open connections that they say nothing on.
        landing.socket = secured.wrap_socket(landing.socket, server_side=True, do_handshake_on_connect=False)
    threads = [threading.Thread(target=run, daemon=True) for run in (server.run, landing.serve_forever)]
    for thread in threads:
        thread.start()
    while not server.started:
        threads[0].join(0.02)
    yield Live(house, issuer, party)
    server.should_exit = True
    landing.shutdown()
    landing.server_close()
    for thread in threads:
        thread.join(10)


@pytest.fixture(scope="module")
def engine() -> Iterator[Browser]:
    """A Chromium."""
    with chromium() as browser:
        yield browser


@pytest.fixture
def context(engine: Browser) -> Iterator[BrowserContext]:
    """A browser without cookies."""
    made = engine.new_context()
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A page in it."""
    return context.new_page()


def sign_in(page: Page, username: str = "alice", password: str = PASSWORD) -> None:
    """Fill in and send the sign-in page."""
    page.fill("#username", username)
    page.fill("#password", password)
    page.click("#login-submit")
