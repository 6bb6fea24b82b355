"""The claims that bind to an ID Token what travels beside it: at_hash, c_hash (OIDC Core §3.1.3.6, §3.3.2.11), s_hash
(FAPI 1.0 Advanced §5.1)."""

import hashlib
from collections.abc import Mapping

from idp.jose.compact import encode_base64url
from idp.jose.foreign import VERIFICATION_ALGORITHMS

# The hash that is in the algorithm: RFC 7518 §3.1 and, for Ed25519, RFC 8032 §5.1.
_HASHES: Mapping[str, str] = {alg: "sha512" if alg == "EdDSA" else f"sha{alg[-3:]}" for alg in VERIFICATION_ALGORITHMS}


def left_half_hash(value: str, alg: str) -> str:
    """Return the claim for an access token, a code or a state in an ID Token that is signed under `alg`.

    It is the left half of the value's hash in base64url. Raises ValueError for "none", which has no hash, and for an
    `alg` that no ID Token is signed under.
    """
    if alg not in _HASHES:
        raise ValueError("alg has no hash")
    digest = hashlib.new(_HASHES[alg], value.encode()).digest()
    return encode_base64url(digest[: len(digest) // 2]).decode("ascii")
