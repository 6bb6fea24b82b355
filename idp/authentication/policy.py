"""How strong an authentication was: from the methods used (`amr`, RFC 8176) to the class reached (`acr`) (R23)."""

from collections.abc import Iterable

PASSWORD_CLASS = "urn:signet:acr:password"  # noqa: S105 - a class of authentication
MULTI_FACTOR_CLASS = "urn:signet:acr:mfa"

# OpenID EAP ACR Values §4: the key signs for this origin alone, so no other page can take it.
PHISHING_RESISTANT_CLASS = "phr"

# The strongest first, and each is more than those after it; a class is reached when all of its methods were used.
CLASSES: tuple[tuple[str, frozenset[str]], ...] = (
    (PHISHING_RESISTANT_CLASS, frozenset({"pop", "user", "mfa"})),
    (MULTI_FACTOR_CLASS, frozenset({"mfa"})),
    (PASSWORD_CLASS, frozenset({"pwd"})),
)
_STRENGTH = {acr: len(CLASSES) - place for place, (acr, _) in enumerate(CLASSES)}


def acr_values_supported() -> tuple[str, ...]:
    """Return the classes that can be reached (OIDC Discovery §3)."""
    return tuple(acr for acr, _ in CLASSES)


def acr_of(amr: tuple[str, ...]) -> str:
    """Return the strongest class that these methods reach. Raises LookupError when they reach none."""
    for acr, needed in CLASSES:
        if needed <= set(amr):
            return acr
    raise LookupError("no authentication class for these methods")


def is_enough(acr: str, least: str | None) -> bool:
    """Tell whether a class is at least another one; one that is not known is weaker than all."""
    return least is None or _STRENGTH.get(acr, 0) >= _STRENGTH[least]


def weakest(acrs: Iterable[str]) -> str | None:
    """Return the weakest known class among these, which is the least that satisfies whoever takes any of them; None
    when none is known."""
    return min((acr for acr in acrs if acr in _STRENGTH), key=_STRENGTH.__getitem__, default=None)


def strongest(acrs: Iterable[str | None]) -> str | None:
    """Return the strongest of these classes, which is what satisfies all of them; None where nothing is asked."""
    return max((acr for acr in acrs if acr is not None), key=_STRENGTH.__getitem__, default=None)
