"""RFC 9207: `iss` in every authorization response, error responses included, against mix-up attacks."""

from collections.abc import Mapping
from typing import Any

from idp.protocol.registry import Registry
from idp.protocol.spec import Delivery, Spec
from idp.settings import Settings


def issuer_parameter(_delivery: Delivery, settings: Settings) -> Mapping[str, str]:
    """Return the response parameter (RFC 9207 §2)."""
    return {"iss": settings.issuer}


def server_metadata(_registry: Registry, _settings: Settings) -> Mapping[str, Any]:
    """Return the member of RFC 9207 §3."""
    return {"authorization_response_iss_parameter_supported": True}


SPEC = Spec(
    name="issuer_identification",
    document="RFC 9207",
    requires=("oauth2",),
    response_parameters=(issuer_parameter,),
    server_metadata=server_metadata,
)
