"""RFC 7592: a client reads, replaces and removes its registration, by a token that is worth nothing anywhere else."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from idp.accounts.clients import open_secrets, secret_matches
from idp.accounts.registration_answers import KEPT_SECONDS
from tests.attacks.oracle import assert_challenged, assert_refused, unchanged
from tests.provider import House
from tests.registering import (
    CALLBACK,
    PATH,
    audit_names,
    bearer,
    manage,
    metadata_of,
    register,
    registering,
    stored,
)

READ_ONLY = ["registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at"]
ONE_TEXT = "The registration access token does not count here."


@pytest.fixture
def open_house(house: House) -> House:
    """A provider where anyone may register clients."""
    return registering(house, throttle={"registrations": 1000})


@pytest.mark.requirement("RFC 7592", "2.1")
@pytest.mark.requirement("RFC 7592", "3")
@pytest.mark.requirement("OIDC Registration 1.0", "4.2")
def test_client_reads_its_registration(open_house: House) -> None:
    """All that it was told when it registered, but the secret; the token that it used stays good."""
    browser = open_house.browser()
    client = register(browser, client_name="New", initiate_login_uri="https://new.example/login")
    for _ in range(2):
        response = manage(browser, "GET", client)
        assert response.status_code == 200
        assert response.headers["cache-control"] == "no-store"
        assert response.json() == {name: value for name, value in client.items() if name != "client_secret"}


@pytest.mark.requirement("RFC 7592", "2.2")
def test_client_replaces_its_registration(open_house: House) -> None:
    """What is not sent is at its default again; the secret stays; there is a new token, and the old one is dead."""
    browser = open_house.browser()
    client = register(browser, client_name="New", contacts=["ops@new.example"], scope="openid email")
    sent = metadata_of(client, client_name="Newer", contacts=None, scope=None, redirect_uris=[f"{CALLBACK}/2"])
    response = manage(browser, "PUT", client, json=sent)
    assert response.status_code == 200
    changed = response.json()
    assert changed["client_name"] == "Newer"
    assert changed["redirect_uris"] == [f"{CALLBACK}/2"]
    assert "contacts" not in changed
    assert "profile" in changed["scope"]
    assert "client_secret" not in changed
    for same in ("client_id", "client_id_issued_at", "registration_client_uri", "client_secret_expires_at"):
        assert changed[same] == client[same]
    kept = stored(open_house, client)
    assert kept is not None
    assert secret_matches(kept, client["client_secret"], open_house.clock.now())
    assert changed["registration_access_token"] != client["registration_access_token"]
    assert_challenged(manage(browser, "GET", client), "invalid_token")
    assert manage(browser, "GET", changed).status_code == 200
    assert {"client.changed", "client.registration_refused"} <= set(audit_names(open_house))


@pytest.mark.requirement("RFC 7592", "2.2")
def test_client_id_need_not_be_repeated(open_house: House) -> None:
    """The address names the client; `client_id` and `client_secret` are compared when they are there."""
    browser = open_house.browser()
    client = register(browser)
    sent = metadata_of(client)
    for leave_out in (("client_id",), ("client_secret",), ("client_id", "client_secret")):
        body = {name: value for name, value in sent.items() if name not in leave_out}
        response = manage(browser, "PUT", client, json=body)
        assert response.status_code == 200
        client = response.json()


@pytest.mark.case("CR-16")
@pytest.mark.requirement("RFC 7592", "2.2")
@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "another"},
        {"client_id": 5},
        {"client_id": ["x"]},
        {"client_secret": "chosen-by-the-client-chosen-by-the-client-1"},
        {"client_secret": ""},
        {"client_secret": 5},
        {"client_secret": ["x"]},
        *[{name: "x"} for name in READ_ONLY],
        {"client_secret_expires_at": 0},
        {"redirect_uris": []},
        {"redirect_uris": ["http://new.example/cb"]},
        {"grant_types": ["client_credentials"]},
        {"client_name": "\u202e"},
    ],
)
def test_what_a_client_cannot_change(open_house: House, changes: dict[str, Any]) -> None:
    """Identity, secret and what the server alone decides; a refused change leaves everything, the token too."""
    browser = open_house.browser()
    client = register(browser)
    with unchanged(open_house):
        response = manage(browser, "PUT", client, json=metadata_of(client) | changes)
        error = "invalid_redirect_uri" if "redirect_uris" in changes else "invalid_client_metadata"
        assert_refused(response, error)
    assert manage(browser, "GET", client).status_code == 200


def test_public_client_cannot_get_a_chosen_secret(open_house: House) -> None:
    """It has none that could match."""
    client = register(open_house.browser(), token_endpoint_auth_method="none")
    response = manage(open_house.browser(), "PUT", client, json=metadata_of(client, client_secret="x" * 43))
    assert_refused(response, "invalid_client_metadata")


@pytest.mark.requirement("RFC 7592", "2.2")
def test_secret_comes_and_goes_with_the_method(open_house: House) -> None:
    """A method that needs one gets a new one; one that needs none makes the old one worthless."""
    browser = open_house.browser()
    client = register(browser, redirect_uris=["https://rp.example/cb"])
    secret = client["client_secret"]
    public = manage(browser, "PUT", client, json=metadata_of(client, token_endpoint_auth_method="none")).json()
    assert not {"client_secret", "client_secret_expires_at"} & public.keys()
    sent = metadata_of(public, token_endpoint_auth_method="client_secret_post")
    again = manage(browser, "PUT", public, json=sent).json()
    assert again["client_secret_expires_at"] == 0
    assert again["client_secret"] != secret
    kept = stored(open_house, client)
    assert kept is not None
    assert secret_matches(kept, again["client_secret"], open_house.clock.now())
    assert not secret_matches(kept, secret, open_house.clock.now())


@pytest.mark.requirement("OIDC Core 1.0", "10.1")
def test_secret_that_becomes_a_key_is_a_new_one(open_house: House) -> None:
    """Only the digest of the old one was kept; a key is kept sealed, and no longer than it is one."""
    browser = open_house.browser()
    client = register(browser)
    jwt = manage(
        browser, "PUT", client, json=metadata_of(client, token_endpoint_auth_method="client_secret_jwt")
    ).json()
    assert jwt["client_secret"] != client["client_secret"]
    kept = stored(open_house, client)
    assert kept is not None
    now = open_house.clock.now()
    assert open_secrets(kept, open_house.server.vault, now) == (jwt["client_secret"],)
    assert not secret_matches(kept, client["client_secret"], now)
    again = manage(browser, "PUT", jwt, json=metadata_of(jwt)).json()
    assert "client_secret" not in again
    sent = metadata_of(again, token_endpoint_auth_method="client_secret_basic")
    basic = manage(browser, "PUT", again, json=sent).json()
    assert "client_secret" not in basic
    kept = stored(open_house, client)
    assert kept is not None
    assert open_secrets(kept, open_house.server.vault, now) == ()
    assert secret_matches(kept, jwt["client_secret"], now)


@pytest.mark.requirement("RFC 7592", "2.2")
@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/plain", b"{}"),
        ("application/x-www-form-urlencoded", b"client_name=x"),
        ("application/json", b'{"client_name": "a", "client_name": "b"}'),
        ("application/json", b"[]"),
        ("application/json", b""),
    ],
)
def test_replacing_takes_strict_json_alone(open_house: House, content_type: str, body: bytes) -> None:
    """As registering does."""
    client = register(open_house.browser())
    headers = bearer(client["registration_access_token"]) | {"content-type": content_type}
    with unchanged(open_house):
        response = open_house.browser().put(client["registration_client_uri"], content=body, headers=headers)
        assert_refused(response, "invalid_client_metadata")


@pytest.mark.requirement("RFC 7592", "2.3")
def test_client_removes_itself(open_house: House) -> None:
    """204 without a body; after that the token counts no more, and nobody is told that the client was there."""
    browser = open_house.browser()
    client = register(browser)
    response = manage(browser, "DELETE", client)
    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["cache-control"] == "no-store"
    assert "content-length" not in response.headers
    assert stored(open_house, client) is None
    for method in ("GET", "PUT", "DELETE"):
        gone = manage(browser, method, client, json={})
        assert_challenged(gone, "invalid_token")
        assert gone.json()["error_description"] == ONE_TEXT
    assert "client.removed" in audit_names(open_house)


@pytest.mark.case("CR-14")
@pytest.mark.requirement("RFC 7592", "2")
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_token_counts_for_its_own_client_alone(open_house: House, method: str) -> None:
    """Another's, an unknown one, an access token, and one for a client that is not there, read alike (R11)."""
    browser = open_house.browser()
    client, other = register(browser), register(browser)
    access_token = browser.tokens()["access_token"]
    operators = {"registration_client_uri": f"https://idp.example{PATH}/web"}
    nobody = {"registration_client_uri": f"https://idp.example{PATH}/nobody"}
    with unchanged(open_house):
        for whose in (client, operators, nobody):
            for token in (other["registration_access_token"], "unknown", client["client_secret"], access_token, " "):
                response = manage(browser, method, whose, token, json={})
                assert_challenged(response, "invalid_token")
                assert response.json()["error_description"] in {ONE_TEXT, "The access token is empty or too long."}
            odd = {b"authorization": "Bearer é".encode()}
            assert_challenged(browser.request(method, whose["registration_client_uri"], headers=odd), "invalid_token")
            assert_challenged(manage(browser, method, whose, None, json={}), None)
        query = f"{client['registration_client_uri']}?access_token={client['registration_access_token']}"
        assert browser.request(method, query).status_code == 400


@pytest.mark.requirement("RFC 7592", "2")
@pytest.mark.parametrize("method", ["POST", "PATCH", "HEAD", "OPTIONS", "TRACE"])
def test_other_methods(open_house: House, method: str) -> None:
    """Are not served, with or without the token."""
    client = register(open_house.browser())
    response = manage(open_house.browser(), method, client)
    assert (response.status_code, response.headers["allow"]) == (405, "GET, PUT, DELETE")


def test_wrong_tokens_are_counted(house: House) -> None:
    """As failed client authentications are; whoever has the right one goes on."""
    counting = registering(house, throttle={"per_client": 2, "registrations": 100})
    browser = counting.browser()
    client = register(browser)
    statuses = [manage(browser, "GET", client, "wrong").status_code for _ in range(4)]
    assert statuses == [401, 401, 429, 429]
    assert manage(browser, "GET", client).status_code == 200


def test_management_goes_on_when_registration_is_off(open_house: House) -> None:
    """Off means that nobody new comes."""
    client = register(open_house.browser())
    off = registering(open_house, registration="off").browser()
    changed = manage(off, "PUT", client, json=metadata_of(client, client_name="Newer"))
    assert changed.status_code == 200
    assert manage(off, "DELETE", changed.json()).status_code == 204


def test_racing_replacements(any_house: House) -> None:
    """The token rotates once: of eight at once that differ one counts, and eight that say the same get one answer, over
    every database."""
    open_house = registering(any_house)
    client = register(open_house.browser())

    def put(name: str) -> httpx2.Response:
        return manage(open_house.browser(), "PUT", client, json=metadata_of(client, client_name=name))

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(put, [f"n{number}" for number in range(8)]))
    assert sorted(answer.status_code for answer in answers) == [200, *[401] * 7]
    client = next(answer.json() for answer in answers if answer.status_code == 200)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(put, ["same"] * 8))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1


@pytest.mark.requirement("RFC 7592", "2.2")
def test_lost_answer_is_given_again(open_house: House) -> None:
    """For a minute, to exactly the same change by the token before, secret and all; to nothing else."""
    browser = open_house.browser()
    client = register(browser)
    sent = metadata_of(client, token_endpoint_auth_method="client_secret_jwt")
    first = manage(browser, "PUT", client, json=sent)
    assert first.json()["client_secret"] != client["client_secret"]
    with unchanged(open_house):
        for _ in range(2):
            assert manage(browser, "PUT", client, json=sent).json() == first.json()
        for method, body in (("GET", None), ("DELETE", None), ("PUT", sent | {"client_name": "Other"})):
            assert_challenged(manage(browser, method, client, json=body), "invalid_token")
    open_house.clock.move(KEPT_SECONDS)
    assert_challenged(manage(browser, "PUT", client, json=sent), "invalid_token")
    assert manage(browser, "GET", first.json()).status_code == 200


@pytest.mark.parametrize("since", ["changed", "disabled", "removed"])
def test_lost_answer_is_not_given_when_it_is_no_longer_true(open_house: House, since: str) -> None:
    """Not after another change, nor by a client that an operator has switched off, nor by one that is gone."""
    browser = open_house.browser()
    client = register(browser)
    sent = metadata_of(client, client_name="Newer")
    changed = manage(browser, "PUT", client, json=sent).json()
    if since == "changed":
        manage(browser, "PUT", changed, json=metadata_of(changed, client_name="Newest"))
    elif since == "removed":
        manage(browser, "DELETE", changed)
    else:
        with open_house.storage.begin() as uow:
            found = uow.clients.find(client["client_id"])
            assert found is not None
            uow.clients.replace(replace(found, enabled=False))
    assert_challenged(manage(browser, "PUT", client, json=sent), "invalid_token")


@pytest.mark.case("CR-16")
def test_change_of_face_needs_consent_anew(open_house: House) -> None:
    """Whoever allowed the client before is asked again when it shows itself otherwise, not for other changes."""
    browser = open_house.browser()
    client = register(browser, redirect_uris=["https://rp.example/cb"], client_name="Notes")
    assert "code" in browser.code_flow(client["client_id"])
    client = manage(browser, "PUT", client, json=metadata_of(client, contacts=["ops@new.example"])).json()
    assert "code" in browser.code_flow(client["client_id"], prompt="none")
    for changes in ({"client_name": "Bank"}, {"redirect_uris": ["https://rp.example/cb", CALLBACK]}):
        client = manage(browser, "PUT", client, json=metadata_of(client, **changes)).json()
        assert browser.code_flow(client["client_id"], prompt="none")["error"] == "consent_required"
        assert "code" in browser.code_flow(client["client_id"])
