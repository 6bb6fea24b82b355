"""The one answer that a fault beneath the provider may have, and what is served all the same."""

import httpx2

from tests.provider import Browser


def check_unavailable(response: httpx2.Response) -> None:
    """Check for 503 with Retry-After, without a word about the fault."""
    assert response.status_code == 503, response.text
    assert int(response.headers["retry-after"]) > 0
    assert "OperationalError" not in response.text


def check_memory_serves(browser: Browser) -> None:
    """Check that what needs no database is answered."""
    assert browser.get("/.well-known/openid-configuration").status_code == 200
    assert browser.get("/.well-known/jwks.json").json()["keys"]
    assert browser.get("/health/live").status_code == 200


def health(browser: Browser) -> tuple[int, str]:
    """Return what the provider says of itself."""
    response = browser.get("/health/ready")
    return response.status_code, response.json()["status"]
