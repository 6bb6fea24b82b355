"""The settings of how the pages look."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from idp.settings.group import Group
from idp.settings.values import check_colour, check_link


class Theme(Group):
    """How the pages look."""

    accent: Annotated[str, AfterValidator(check_colour)] = Field(
        default="", description="Colour of buttons and links, as in `#26478f`. Empty: the product's own."
    )
    accent_dark: Annotated[str, AfterValidator(check_colour)] = Field(
        default="", description="The same on dark pages. Empty: a lighter shade of `theme.accent`."
    )
    logo_file: Path | None = Field(default=None, description="Logo in SVG, PNG or WebP, of 100 kB at most.")
    privacy_url: Annotated[str, AfterValidator(check_link)] = Field(
        default="", description="Your privacy policy, linked under every page."
    )
    terms_url: Annotated[str, AfterValidator(check_link)] = Field(
        default="", description="Your terms of service, linked under every page."
    )
    help_url: Annotated[str, AfterValidator(check_link)] = Field(
        default="", description="Your help, linked under every page."
    )
    templates: Path | None = Field(
        default=None, description="Directory of templates that stand in for the pages' own, by their names."
    )
