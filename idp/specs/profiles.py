"""The profile of a client: `strict` (RFC 9700) or `oidc_legacy` (what OIDC Core alone asks for).

An operator sets it; a client that registers itself cannot, for it is a decision about the server's security.
"""

from idp.protocol.client_metadata import check_choice
from idp.protocol.profiles import PROFILES
from idp.protocol.spec import ClientMember, Spec

SPEC = Spec(
    name="profiles",
    document="RFC 9700",
    client_metadata={"profile": ClientMember(check=check_choice("profile", PROFILES))},
)
