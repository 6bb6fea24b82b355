"""Classes of authentication."""

import pytest

from idp.authentication.methods import AMR, passkey
from idp.authentication.policy import (
    MULTI_FACTOR_CLASS,
    PASSWORD_CLASS,
    PHISHING_RESISTANT_CLASS,
    acr_of,
    acr_values_supported,
    is_enough,
    strongest,
    weakest,
)


def test_every_method_reaches_an_advertised_class() -> None:
    """What each method alone reaches is in discovery; more methods reach no less."""
    for method in AMR.values():
        assert acr_of((method,)) in acr_values_supported()
        assert acr_of((method, "otp")) in acr_values_supported()
    assert acr_of(passkey.AMR) == acr_of(("pwd", *passkey.AMR)) == PHISHING_RESISTANT_CLASS
    assert acr_of(("pwd", "pop", "mfa")) == MULTI_FACTOR_CLASS
    assert acr_values_supported() == (PHISHING_RESISTANT_CLASS, MULTI_FACTOR_CLASS, PASSWORD_CLASS)


def test_stronger_is_enough_for_weaker() -> None:
    """Classes are in one order; what is not known is weaker than all, and asks for nothing."""
    assert is_enough(MULTI_FACTOR_CLASS, PASSWORD_CLASS)
    assert is_enough(PASSWORD_CLASS, PASSWORD_CLASS)
    assert not is_enough(PASSWORD_CLASS, MULTI_FACTOR_CLASS)
    assert not is_enough("of an older version", PASSWORD_CLASS)
    assert is_enough("of an older version", None)
    assert weakest(["x", MULTI_FACTOR_CLASS, PASSWORD_CLASS]) == PASSWORD_CLASS
    assert strongest([None, PASSWORD_CLASS, MULTI_FACTOR_CLASS]) == MULTI_FACTOR_CLASS
    assert weakest(["x"]) is None
    assert strongest([None]) is None


@pytest.mark.parametrize("amr", [(), ("otp",), ("PWD",), ("pwd ",)])
def test_methods_that_reach_no_class(amr: tuple[str, ...]) -> None:
    """Nothing, or a method that is not known, is no authentication."""
    with pytest.raises(LookupError):
        acr_of(amr)
