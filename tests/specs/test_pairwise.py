"""OIDC Core §8.1: what clients of different sectors are told about the same person has nothing in common."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from idp.accounts.subjects import subject_of
from idp.outbound.documents import DocumentNeeded
from idp.protocol.context import Context
from idp.protocol.errors import InvalidClientMetadata
from idp.protocol.messages import Request
from idp.specs.pairwise import check_sector
from idp.stores.records import Client
from idp.stores.sql.storage import SqlStorage
from tests.outbound.servers import Server, answer
from tests.provider import House, claims_of, make_house

ONE, OTHER, SAME = "https://one.example/cb", "https://other.example/cb", "https://one.example/second"


@pytest.fixture
def sectors(house: House) -> House:
    """Three pairwise clients, two of them of one sector."""
    for client_id, uri in (("one", ONE), ("other", OTHER), ("same", SAME)):
        house.add_client(
            client_id,
            redirect_uris=[uri],
            subject_type="pairwise",
            backchannel_logout_uri=f"{uri}/logout",
            post_logout_redirect_uris=[uri],
        )
    return house


def subject(house: House, client_id: str, uri: str, username: str = "alice") -> str:
    """Sign in and return the `sub`, which all tokens and UserInfo agree on."""
    browser = house.browser()
    code = browser.code_flow(client_id, username, redirect_uri=uri, scope="openid offline_access")["code"]
    tokens = browser.exchange(code, client_id, redirect_uri=uri).json()
    refreshed = browser.refresh(tokens["refresh_token"], client_id).json()
    found = {
        claims_of(tokens["id_token"])["sub"],
        claims_of(tokens["access_token"])["sub"],
        claims_of(refreshed["id_token"])["sub"],
        browser.userinfo(tokens["access_token"]).json()["sub"],
        browser.introspect(tokens["access_token"], client_id)["sub"],
        browser.introspect(refreshed["refresh_token"], client_id)["sub"],
    }
    (only,) = found
    return str(only)


@pytest.mark.case("UI-06")
@pytest.mark.requirement("OIDC Core 1.0", "8.1")
def test_sectors_do_not_share_subjects(sectors: House) -> None:
    """One sector, one `sub`; another sector, another; neither is the account's own, nor another account's."""
    public = claims_of(sectors.browser().tokens()["id_token"])["sub"]
    one, other = subject(sectors, "one", ONE), subject(sectors, "other", OTHER)
    assert len({one, other, public, subject(sectors, "one", ONE, "bob")}) == 4
    assert subject(sectors, "same", SAME) == one
    assert subject(sectors, "one", ONE) == one


@pytest.mark.requirement("OIDC Core 1.0", "3.1.2.1")
def test_hints_are_in_the_clients_own_words(sectors: House) -> None:
    """A hint with the pairwise `sub` finds its account; a `sub` of another sector names nobody."""
    browser = sectors.browser()
    code = browser.code_flow("one", redirect_uri=ONE)["code"]
    id_token = browser.exchange(code, "one", redirect_uri=ONE).json()["id_token"]
    quiet = browser.code_flow("one", redirect_uri=ONE, prompt="none", id_token_hint=id_token)
    assert "code" in quiet
    foreign = subject(sectors, "other", OTHER)
    for wrong in (foreign, claims_of(sectors.browser().tokens()["id_token"])["sub"]):
        claims = json.dumps({"id_token": {"sub": {"value": wrong}}})
        assert browser.code_flow("one", redirect_uri=ONE, prompt="none", claims=claims)["error"] == "login_required"
    ended = browser.get("/oauth2/logout", params={"id_token_hint": id_token, "post_logout_redirect_uri": ONE})
    assert ended.headers["location"] == ONE


@pytest.mark.requirement("OIDC Back-Channel Logout 1.0", "2.4")
def test_logout_notices_speak_of_the_pairwise_subject(sectors: House) -> None:
    """Each client is told of the End-User by the name it knows."""
    browser = sectors.browser()
    known = {}
    for client_id, uri in (("one", ONE), ("other", OTHER)):
        code = browser.code_flow(client_id, redirect_uri=uri)["code"]
        known[client_id] = claims_of(browser.exchange(code, client_id, redirect_uri=uri).json()["id_token"])["sub"]
    browser.submit(browser.get("/oauth2/logout"))
    with sectors.storage.snapshot() as uow:
        told = {message.client_id: message.payload["sub"] for message in uow.outbox.list()}
    assert told == known


def test_racing_sign_ins_agree(sectors: House) -> None:
    """Eight first sign-ins at once end up with one `sub`."""
    with sectors.storage.snapshot() as uow:
        client = uow.clients.find("one")
    assert client is not None

    def ask(_number: int) -> str:
        with sectors.storage.begin() as uow:
            return subject_of(uow, client, "a1")

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(ask, range(8)))) == 1


@pytest.mark.requirement("OIDC Core 1.0", "8.1")
@pytest.mark.parametrize(
    ("metadata", "accepted"),
    [
        ({"redirect_uris": [ONE, SAME]}, True),
        ({"redirect_uris": [ONE, OTHER]}, False),
        ({"redirect_uris": []}, False),
        ({"redirect_uris": [ONE, OTHER], "sector_identifier_uri": "https://one.example/list"}, True),
        ({"redirect_uris": [ONE], "sector_identifier_uri": "http://one.example/list"}, False),
        ({"redirect_uris": [ONE], "subject_type": "Pairwise"}, False),
        ({"redirect_uris": [ONE], "subject_type": ["pairwise"]}, False),
    ],
)
def test_sector_must_be_plain(house: House, metadata: dict[str, object], accepted: bool) -> None:
    """Several hosts need a sector_identifier_uri, which is https."""
    given = {"subject_type": "pairwise"} | metadata
    if accepted:
        assert house.server.registry.check_client_metadata(given, house.server.settings)["subject_type"] == "pairwise"
        return
    with pytest.raises(InvalidClientMetadata):
        house.server.registry.check_client_metadata(given, house.server.settings)


@contextmanager
def sector_list(body: bytes, status: int = 200) -> Iterator[Server]:
    """Serve a document on loopback."""
    head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n\r\n"
    server = Server(answer(head.encode() + body))
    yield server
    server.close()


@pytest.mark.case("CR-09")
@pytest.mark.requirement("OIDC Registration 1.0", "5")
@pytest.mark.parametrize(
    ("body", "status", "accepted"),
    [
        (json.dumps([ONE, OTHER, "https://more.example"]).encode(), 200, True),
        (json.dumps([ONE]).encode(), 200, False),
        (json.dumps([ONE, OTHER]).encode(), 404, False),
        (json.dumps({"redirect_uris": [ONE, OTHER]}).encode(), 200, False),
        (b"[1, 2]", 200, False),
        (b"not JSON", 200, False),
        (b"[" * 5000, 200, False),
        (b'["' + b"x" * 10_000_000 + b'"]', 200, False),
    ],
)
def test_sector_document_lists_every_redirect_uri(
    tmp_path: Path, ready_keys: None, body: bytes, status: int, accepted: bool
) -> None:
    """What is at the URI is fetched, and must be a JSON list with all of them."""
    storage = SqlStorage(f"sqlite:///{tmp_path}/signet.sqlite3")
    storage.migrate()
    house = make_house(storage, tmp_path / "key", allow_loopback_outbound=True)
    with sector_list(body, status) as server:
        metadata = {"redirect_uris": (ONE, OTHER), "sector_identifier_uri": server.url()}
        request = Request(method="POST", path="/")
        with storage.snapshot() as uow:
            context = Context(server=house.server, uow=uow, request=request, now=house.clock.now())
            with pytest.raises(DocumentNeeded) as needed:
                check_sector(metadata, context)
            house.server.documents.fetch(needed.value.url)
            context = replace(context, request=replace(request, fetched=frozenset({needed.value.url})))
            if accepted:
                check_sector(metadata, context)
            else:
                with pytest.raises(InvalidClientMetadata):
                    check_sector(metadata, context)
    storage.close()


def test_public_subjects_need_no_sector(house: House) -> None:
    """A client that asked for nothing is told the account's own id."""
    with house.storage.begin() as uow:
        assert subject_of(uow, Client(client_id="x", metadata={}), "a1") == "a1"
