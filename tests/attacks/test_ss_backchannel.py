"""SS: the logout token that relying parties get when a session ends (OIDC Back-Channel Logout 1.0 §2.4)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

import pytest

from idp.logout_delivery import LogoutDelivery
from idp.outbound.guard import OutboundClient
from tests.attacks.tokens import header_of
from tests.provider import ISSUER, Browser, House, claims_of

URI = "https://told.example/backchannel"
EVENT = "http://schemas.openid.net/event/backchannel-logout"


@dataclass
class Told:
    """Stands in for the network: keeps what was posted, and answers 200."""

    status: int = 200
    posted: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)

    def post_form(self, uri: str, form: Mapping[str, str]) -> "Told":
        """Keep a form."""
        self.posted.append((uri, form))
        return self


def deliver(house: House) -> list[tuple[str, Mapping[str, str]]]:
    """Deliver what is due by the provider's own code, to nobody."""
    told = Told()
    delivery = LogoutDelivery(house.server, cast(OutboundClient, told))
    with house.storage.begin() as uow:
        due = uow.outbox.claim(house.clock.now(), 10, 60)
    for message in due:
        delivery.deliver(message)
    return told.posted


def sign_out(house: House, browser: Browser, hint: str) -> None:
    """Sign out by a hint, a minute later."""
    house.clock.move(60)
    assert browser.get("/oauth2/logout", params={"id_token_hint": hint}).status_code == 200


@pytest.mark.case("SS-10")
def test_logout_token_has_what_it_must_and_nothing_else(house: House) -> None:
    """Type, issuer, audience, times, event, subject and session are right; there is no nonce; it lives two minutes."""
    house.add_client("told", backchannel_logout_uri=URI)
    browser = house.browser()
    tokens, signed_in = browser.tokens("told"), house.clock.now()
    browser.tokens("told")
    sign_out(house, browser, tokens["id_token"])
    ((uri, form),) = deliver(house)
    assert (uri, set(form)) == (URI, {"logout_token"})
    header, claims = header_of(form["logout_token"]), claims_of(form["logout_token"])
    id_claims = claims_of(tokens["id_token"])
    assert (header["typ"], header["alg"]) == ("logout+jwt", "RS256")
    assert set(claims) == {"iss", "sub", "aud", "iat", "exp", "jti", "events", "sid"}
    assert (claims["iss"], claims["aud"], claims["events"]) == (ISSUER, "told", {EVENT: {}})
    assert (claims["sub"], claims["sid"]) == (id_claims["sub"], id_claims["sid"])
    assert claims["iat"] == signed_in + 60
    assert 0 < claims["exp"] - claims["iat"] <= 120


@pytest.mark.case("SS-10")
def test_only_clients_of_the_session_are_told(house: House) -> None:
    """A client hears of the sessions in which it got tokens, each by a token of its own, and of no other."""
    for client_id in ("told", "heard", "absent"):
        house.add_client(client_id, backchannel_logout_uri=f"https://{client_id}.example/out")
    browser, other = house.browser(), house.browser()
    hint = browser.tokens("told")["id_token"]
    browser.tokens("heard")
    browser.tokens("web")
    other.tokens("absent")
    sign_out(house, browser, hint)
    posted = deliver(house)
    claims = [claims_of(form["logout_token"]) for _, form in posted]
    assert {(uri, found["aud"]) for (uri, _), found in zip(posted, claims, strict=True)} == {
        ("https://told.example/out", "told"),
        ("https://heard.example/out", "heard"),
    }
    assert len({found["jti"] for found in claims}) == 2


@pytest.mark.case("SS-10", "JO-12")
def test_logout_token_is_good_for_nothing_else(house: House) -> None:
    """A logout token is no access token, no hint and no refresh token."""
    house.add_client("told", backchannel_logout_uri=URI)
    browser = house.browser()
    hint = browser.tokens("told")["id_token"]
    sign_out(house, browser, hint)
    ((_, form),) = deliver(house)
    token = form["logout_token"]
    assert browser.userinfo(token).status_code == 401
    assert browser.introspect(token, "told") == {"active": False}
    assert browser.refresh(token, "told").status_code == 400
    assert browser.get("/oauth2/logout", params={"id_token_hint": token}).status_code == 400
