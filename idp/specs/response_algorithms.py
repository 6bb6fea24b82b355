"""OIDC Core §10 and OIDC Registration §2: how ID Tokens and UserInfo responses are signed and encrypted for a client.

The members of client metadata and of discovery are here; the work is done by `idp.protocol.client_responses`. Access
tokens are always signed by the default algorithm: they are for resource servers, which know nothing of the client.
"""

from collections.abc import Mapping
from typing import Any

from idp.protocol.registry import Registry
from idp.protocol.response_algorithms import response_members, response_metadata
from idp.protocol.spec import Spec
from idp.settings import Settings


def server_metadata(_registry: Registry, settings: Settings) -> Mapping[str, Any]:
    """Return the members of OIDC Discovery §3."""
    return {**response_metadata("id_token", settings), **response_metadata("userinfo", settings)}


SPEC = Spec(
    name="response_algorithms",
    document="OIDC Core 1.0 section 10",
    requires=("oidc_core", "userinfo", "profiles"),
    client_metadata={**response_members("id_token"), **response_members("userinfo")},
    server_metadata=server_metadata,
)
