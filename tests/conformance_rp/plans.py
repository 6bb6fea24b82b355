"""The plans that are run, the client that the suite is to know, and what is meant although it is not PASSED."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.conformance_rp.shop import CLIENT_ID
from tests.conformance_rp.surroundings import ALIAS, Surroundings

WAIT_SECONDS = 5
"""How long the suite waits for a request that must not come."""

_REQUEST = {"request_type": "plain_http_request", "client_registration": "static_client"}
_WHOLE = {**_REQUEST, "client_auth_type": "client_secret_basic", "response_mode": "default"}


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """A plan with its variant; `short` is its name on the command line."""

    short: str
    name: str
    variant: Mapping[str, str]


PLANS = (
    PlannedRun("basic", "oidcc-client-basic-certification-test-plan", _REQUEST),
    PlannedRun("config", "oidcc-client-config-certification-test-plan", _WHOLE),
    PlannedRun("backchannel", "oidcc-client-back-channel-logout-rp-basic", _WHOLE),
    PlannedRun("logout", "oidcc-client-rp-initiated-logout-rp-basic", _WHOLE),
)

EXPECTED: Mapping[str, tuple[str, str]] = {
    "oidcc-client-test-idtoken-sig-none": (
        "SKIPPED",
        "an ID Token without a signature is refused, as it may be; the suite calls that a skip",
    ),
}
"""Results that are meant to be other than PASSED, by module, with the reason."""


def plan_config(surroundings: Surroundings, client_secret: str) -> dict[str, Any]:
    """The configuration of a plan: the Shop as a client that is registered already."""
    shop = surroundings.shop
    return {
        "alias": ALIAS,
        "description": "the Shop of Signet",
        "waitTimeoutSeconds": WAIT_SECONDS,
        "client": {
            "client_id": CLIENT_ID,
            "client_secret": client_secret,
            "redirect_uri": f"{shop}/callback",
            "post_logout_redirect_uri": f"{shop}/",
            "backchannel_logout_uri": f"{shop}/backchannel-logout",
        },
    }
