"""Checks of the JOSE header and the signature, the same for every kind of token.

RFC 7515 §4.1, §5.2; RFC 8725 §3.1 (algorithm), §3.11 (type).
"""

from collections.abc import Iterable

from demo_clients.relying_party.checks import Check, judge
from demo_clients.relying_party.jwks import KeyCache, PublicKey
from demo_clients.relying_party.jws import ALGORITHM, CompactJws, has_valid_signature

_KEY_NAMED = (
    "The provider publishes a key of this name.",
    "The provider publishes no key of the name that the token states.",
)
_KEY_UNNAMED = (
    "The token names no key, and the provider has only this one.",
    "The token names no key, and the provider does not have just one.",
)


def check_header(token: CompactJws, key: PublicKey | None, types: Iterable[str | None]) -> tuple[Check, ...]:
    """Type, algorithm, critical extensions, key and signature. `types` in lower case; None means: no `typ`."""
    return (
        _check_type(token, tuple(types)),
        _check_algorithm(token),
        _check_critical(token),
        _check_key(token, key),
        _check_signature(token, key),
    )


async def find_key(token: CompactJws, keys: KeyCache) -> PublicKey | None:
    """The key to verify a token with: the one that it names or, if it names none, the only one (OIDC Core §10.1).

    Asks nobody for a token that will be refused for its algorithm anyway. May fetch keys: raises ProviderUnavailable,
    ProviderMisbehaved.
    """
    if token.header.get("alg") != ALGORITHM:
        return None
    if "kid" not in token.header:
        return await _only_key(token, keys)
    kid = token.header["kid"]
    return await keys.find(kid) if isinstance(kid, str) else None


async def _only_key(token: CompactJws, keys: KeyCache) -> PublicKey | None:
    key = (await keys.current()).only
    if key is not None and not has_valid_signature(token, key):
        # A key without a name is replaced without a sign of it, as a new `kid` would be one.
        key = (await keys.refetch()).only
    return key


def _check_type(token: CompactJws, types: tuple[str | None, ...]) -> Check:
    found = token.header.get("typ")
    normal = found.lower().removeprefix("application/") if isinstance(found, str) else found
    return judge(
        "type",
        normal in types,
        rule="RFC 8725 §3.11",
        good="The token is of the kind that is wanted here.",
        bad="The token is of another kind than is wanted here.",
        found="no typ" if found is None else found,
        expected=" or ".join(kind or "no typ" for kind in types),
    )


def _check_algorithm(token: CompactJws) -> Check:
    found = token.header.get("alg")
    return judge(
        "algorithm",
        found == ALGORITHM,
        rule="OIDC Core §3.1.3.7 (7), RFC 8725 §3.1",
        good="The algorithm is the one on our list; the token had no say in it.",
        bad="The algorithm is not on the list of this verifier.",
        found=found,
        expected=ALGORITHM,
    )


def _check_critical(token: CompactJws) -> Check:
    return judge(
        "critical extensions",
        "crit" not in token.header and "b64" not in token.header,
        rule="RFC 7515 §4.1.11",
        good="The token asks for no extension that we would have to understand.",
        bad="The token asks for an extension that this verifier does not know.",
        expected="none",
    )


def _check_key(token: CompactJws, key: PublicKey | None) -> Check:
    good, bad = _KEY_NAMED if "kid" in token.header else _KEY_UNNAMED
    return judge(
        "key",
        key is not None,
        rule="OIDC Core §10.1, RFC 7517 §4.5",
        good=good,
        bad=bad,
        found=token.header.get("kid", "no kid"),
    )


def _check_signature(token: CompactJws, key: PublicKey | None) -> Check:
    return judge(
        "signature",
        key is not None and token.header.get("alg") == ALGORITHM and has_valid_signature(token, key),
        rule="OIDC Core §3.1.3.7 (6), RFC 7515 §5.2",
        good="The provider's key made this signature, and not a bit was changed since.",
        bad="The signature does not fit the token and the provider's key.",
        found=f"{len(token.signature)} bytes",
    )
