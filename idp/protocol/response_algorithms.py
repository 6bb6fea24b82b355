"""How a client may have a kind of response protected: the members of its metadata, and those of discovery
(OIDC Registration §2, OIDC Discovery §3).

What we sign with our own keys is for everybody. The client's secret as a key (HS256 and its kin) and no signature at
all are older dialects: only the profile `oidc_legacy` admits them. Nothing is encrypted under a client's secret.
"""

from collections.abc import Mapping
from typing import Any

from idp.jose.algorithms import ALGORITHMS
from idp.jose.encryption import ENCRYPTION_ALGS, ENCRYPTION_ENCS, NoEncryptionKey, select_encryption_key
from idp.jose.foreign import SECRET_OCTETS
from idp.protocol.client_metadata import check_choice
from idp.protocol.client_responses import DEFAULT_ENC
from idp.protocol.errors import InvalidClientMetadata
from idp.protocol.profiles import metadata_admits_legacy
from idp.protocol.spec import ClientDraft, ClientMember
from idp.settings import Settings

LEGACY_ALGORITHMS = (*SECRET_OCTETS, "none")


def response_members(kind: str) -> Mapping[str, ClientMember]:
    """Return the members `<kind>_signed_response_alg`, `<kind>_encrypted_response_alg` and `..._enc`."""
    signed = f"{kind}_signed_response_alg"
    alg, enc = f"{kind}_encrypted_response_alg", f"{kind}_encrypted_response_enc"

    def check_signed(value: Any, draft: ClientDraft) -> str:
        chosen = check_choice(signed, _choices(draft))(value, draft)
        if chosen == "none" and kind == "id_token" and _is_given_id_tokens_in_front(draft.metadata):
            # OIDC Core §2: what comes through the browser has nothing but its signature.
            raise InvalidClientMetadata("An unsigned ID Token must not come from the authorization endpoint.")
        return chosen

    def check_alg(value: Any, draft: ClientDraft) -> str:
        chosen = check_choice(alg, ENCRYPTION_ALGS)(value, draft)
        _check_has_key(alg, chosen, draft.metadata)
        return chosen

    def check_enc(value: Any, draft: ClientDraft) -> str:
        if draft.metadata.get(alg) is None:
            raise InvalidClientMetadata(f"{enc} needs {alg} beside it (OIDC Registration section 2).")
        return check_choice(enc, ENCRYPTION_ENCS)(value, draft)

    return {
        signed: ClientMember(check=check_signed),
        alg: ClientMember(check=check_alg),
        enc: ClientMember(check=check_enc, default=lambda metadata: DEFAULT_ENC if metadata.get(alg) else None),
    }


def response_metadata(kind: str, settings: Settings) -> Mapping[str, Any]:
    """Return what discovery says of a kind of response; the older dialects where every client may use them."""
    legacy = LEGACY_ALGORITHMS if settings.profile == "oidc_legacy" else ()
    return {
        f"{kind}_signing_alg_values_supported": [*signing_algorithms(settings), *legacy],
        f"{kind}_encryption_alg_values_supported": list(ENCRYPTION_ALGS),
        f"{kind}_encryption_enc_values_supported": list(ENCRYPTION_ENCS),
    }


def signing_algorithms(settings: Settings) -> tuple[str, ...]:
    """Return what we have keys to sign with, the default first."""
    return tuple(alg for alg in ALGORITHMS if alg in settings.keys.algorithms)


def _choices(draft: ClientDraft) -> tuple[str, ...]:
    ours = signing_algorithms(draft.settings)
    if not metadata_admits_legacy(draft.metadata, draft.settings):
        return ours
    # A public client has no secret that could be a key.
    is_public = draft.metadata.get("token_endpoint_auth_method") == "none"
    return (*ours, "none") if is_public else (*ours, *LEGACY_ALGORITHMS)


def _is_given_id_tokens_in_front(metadata: Mapping[str, Any]) -> bool:
    kinds = metadata.get("response_types")
    return isinstance(kinds, list | tuple) and any("id_token" in str(kind).split() for kind in kinds)


def _check_has_key(name: str, alg: str, metadata: Mapping[str, Any]) -> None:
    """Refuse a client without a key to encrypt to; one at `jwks_uri` may come and go, so it is looked for when used."""
    if metadata.get("jwks_uri") is not None:
        return
    jwks = metadata.get("jwks")
    keys = jwks.get("keys") if isinstance(jwks, dict) else None
    try:
        # That `jwks` is a good set is for its own check to say.
        select_encryption_key([jwk for jwk in keys if isinstance(jwk, dict)] if isinstance(keys, list) else (), alg)
    except NoEncryptionKey as fault:
        raise InvalidClientMetadata(f"{name} needs a key for it, with use enc, in jwks or at jwks_uri.") from fault
