"""Classes of authentication."""

import pytest

from idp.authentication.methods import AMR
from idp.authentication.policy import acr_of, acr_values_supported


def test_every_method_reaches_an_advertised_class() -> None:
    """What each method alone reaches is in discovery; more methods reach no less."""
    for method in AMR.values():
        assert acr_of((method,)) in acr_values_supported()
        assert acr_of((method, "otp")) in acr_values_supported()
    assert acr_values_supported() == ("urn:signet:acr:password",)


@pytest.mark.parametrize("amr", [(), ("otp",), ("PWD",), ("pwd ",)])
def test_methods_that_reach_no_class(amr: tuple[str, ...]) -> None:
    """Nothing, or a method that is not known, is no authentication."""
    with pytest.raises(LookupError):
        acr_of(amr)
