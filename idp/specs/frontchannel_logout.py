"""OIDC Front-Channel Logout 1.0: the signed-out page loads a page of each relying party, which clears its own cookies.

It reaches a relying party only while the browser is there, and current browsers that partition or block third-party
storage keep the relying party's cookies from such a frame: Back-Channel Logout is the one to rely on. Both may be used.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from idp.protocol.client_metadata import check_web_uri
from idp.protocol.errors import InvalidClientMetadata
from idp.protocol.messages import with_query
from idp.protocol.registry import Registry
from idp.protocol.spec import ClientDraft, ClientMember, Spec
from idp.settings import Settings
from idp.stores.interfaces import UnitOfWork
from idp.stores.records import Session


def logout_frames(uow: UnitOfWork, session: Session, settings: Settings) -> tuple[str, ...]:
    """Return the URI to load for each client of the session that registered one, with `iss` and `sid` (§2)."""
    clients = (uow.clients.find(client_id) for client_id in uow.grants.client_ids_of_session(session.session_id))
    registered = (client.value("frontchannel_logout_uri") for client in clients if client and client.enabled)
    return tuple(with_query(uri, {"iss": settings.issuer, "sid": session.session_id}) for uri in registered if uri)


def check_logout_uri(value: Any, draft: ClientDraft) -> str:
    """Accept a web URI of the same scheme, host and port as a redirect URI: the client's own place (§2)."""
    uri = check_web_uri("frontchannel_logout_uri")(value, draft)
    if _origin(uri) not in {_origin(known) for known in draft.metadata.get("redirect_uris") or () if _is_text(known)}:
        raise InvalidClientMetadata(
            "frontchannel_logout_uri must have the scheme, host and port of one of the redirect_uris.",
            hint="See Front-Channel Logout section 2.",
        )
    return uri


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _origin(uri: str) -> tuple[str, str]:
    try:
        parts = urlsplit(uri)
    except ValueError:
        return "", uri
    return parts.scheme, parts.netloc.lower()


def _check_flag(value: Any, _draft: ClientDraft) -> bool:
    return value is True


def server_metadata(_registry: Registry, _settings: Settings) -> Mapping[str, Any]:
    """Return the members of §3; every frame carries `iss` and `sid`."""
    return {"frontchannel_logout_supported": True, "frontchannel_logout_session_supported": True}


SPEC = Spec(
    name="frontchannel_logout",
    document="OIDC Front-Channel Logout 1.0",
    requires=("rp_initiated_logout",),
    client_metadata={
        "frontchannel_logout_uri": ClientMember(check=check_logout_uri),
        "frontchannel_logout_session_required": ClientMember(check=_check_flag, default=False),
    },
    server_metadata=server_metadata,
    sign_out_frames=(logout_frames,),
)
