"""RFC 7636: S256, required of every client."""

import json
from pathlib import Path

import pytest

from idp.specs.pkce import s256
from tests.provider import CHALLENGE, VERIFIER, House, response_params

VECTOR = json.loads((Path(__file__).parent.parent / "vectors" / "RFC7636-appendix-B.json").read_text())


@pytest.mark.requirement("RFC 7636", "4.2")
def test_published_vector() -> None:
    """The transformation is the one of appendix B."""
    assert s256(VECTOR["code_verifier"]) == VECTOR["code_challenge"]


@pytest.mark.requirement("RFC 7636", "4.4.1")
@pytest.mark.parametrize(
    "params",
    [
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge": None},
        {"code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": "s256"},
        {"code_challenge": CHALLENGE[:-1]},
        {"code_challenge": CHALLENGE + "="},
        {"code_challenge": CHALLENGE + "\n"},
    ],
)
@pytest.mark.parametrize("client_id", ["web", "spa"])
def test_request_without_s256_is_refused(house: House, client_id: str, params: dict[str, str | None]) -> None:
    """A missing, plain or malformed challenge is an invalid_request at the client, confidential or not."""
    redirect_uri = "https://spa.example/cb" if client_id == "spa" else "https://rp.example/cb"
    answer = response_params(house.browser().authorize(client_id, redirect_uri=redirect_uri, **params))  # type: ignore[arg-type]
    assert answer["error"] == "invalid_request"
    assert "7636" in answer["error_description"]


@pytest.mark.requirement("RFC 7636", "4.6")
@pytest.mark.parametrize(
    "verifier", [None, "", "w" * 43, VERIFIER + "\n", VERIFIER[:-1], CHALLENGE, "ü" * 43, "v" * 129]
)
def test_wrong_verifier_burns_the_code(house: House, verifier: str | None) -> None:
    """A wrong verifier is an invalid_grant, and the right one afterwards as well: the code was seen by someone else."""
    browser = house.browser()
    code = browser.code_flow()["code"]
    wrong = browser.exchange(code, code_verifier=verifier)
    assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_grant")
    assert browser.exchange(code).json()["error"] == "invalid_grant"


@pytest.mark.requirement("RFC 8414", "2")
def test_discovery_says_s256_only(house: House) -> None:
    """Discovery names the one method."""
    document = house.browser().get("/.well-known/openid-configuration").json()
    assert document["code_challenge_methods_supported"] == ["S256"]
