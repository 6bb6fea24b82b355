"""The step-up challenge of an API, read by its client (RFC 9470 §3, §4; the syntax is RFC 9110 §11.6.1)."""

import json
import re
from dataclasses import dataclass

INSUFFICIENT_AUTHENTICATION = "insufficient_user_authentication"

_PARAMETER = re.compile(r'([a-z_]+)="([^"\\]*)"')
_MAX_AGE = re.compile(r"[0-9]{1,9}", re.ASCII)


@dataclass(frozen=True, slots=True)
class StepUp:
    """How somebody has to sign in: by one of the classes, at most so many seconds ago where `max_age` is given."""

    acr_values: tuple[str, ...]
    max_age: int | None

    def request_parameters(self) -> dict[str, str]:
        """What goes into the authorization request.

        `acr_values` alone is a wish, which a provider may leave unmet (OIDC Core §3.1.2.1). The essential claim says
        that nothing less will do, so that somebody without a second factor is asked to set one up.
        """
        parameters = {}
        if self.acr_values:
            essential = {"essential": True, "values": list(self.acr_values)}
            parameters["acr_values"] = " ".join(self.acr_values)
            parameters["claims"] = json.dumps({"id_token": {"acr": essential}}, separators=(",", ":"))
        if self.max_age is not None:
            parameters["max_age"] = str(self.max_age)
        return parameters


def parse_step_up(challenge: str) -> StepUp | None:
    """Read `WWW-Authenticate`; None when it is no step-up challenge, or one that asks for nothing."""
    scheme, _, rest = challenge.partition(" ")
    found = dict(_PARAMETER.findall(rest))
    if scheme.lower() != "bearer" or found.get("error") != INSUFFICIENT_AUTHENTICATION:
        return None
    max_age = found.get("max_age", "")
    asked = StepUp(tuple(found.get("acr_values", "").split()), int(max_age) if _MAX_AGE.fullmatch(max_age) else None)
    return asked if asked.request_parameters() else None
