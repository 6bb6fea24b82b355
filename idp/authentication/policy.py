"""How strong an authentication was: from the methods used (`amr`, RFC 8176) to the class reached (`acr`) (R23)."""

PASSWORD_CLASS = "urn:signet:acr:password"  # noqa: S105 - a class of authentication

# The strongest first; a class is reached when all of its methods were used.
CLASSES: tuple[tuple[str, frozenset[str]], ...] = ((PASSWORD_CLASS, frozenset({"pwd"})),)


def acr_values_supported() -> tuple[str, ...]:
    """Return the classes that can be reached (OIDC Discovery §3)."""
    return tuple(acr for acr, _ in CLASSES)


def acr_of(amr: tuple[str, ...]) -> str:
    """Return the strongest class that these methods reach. Raises LookupError when they reach none."""
    for acr, needed in CLASSES:
        if needed <= set(amr):
            return acr
    raise LookupError("no authentication class for these methods")
