"""The settings of people: who may make an account and what becomes of it, what passwords are compared with, and who
needs a second factor."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from idp.settings.group import Group
from idp.settings.values import check_domain, check_service_url


class SignUp(Group):
    """Who may make an account. The e-mail address is proved first."""

    mode: Literal["off", "open", "invitation", "domain"] = Field(
        default="off",
        description="Nobody, anyone, whom an operator invites, who has an address in `domains`; these invite as well.",
    )
    domains: tuple[Annotated[str, AfterValidator(check_domain)], ...] = Field(
        default=(), description="Domains of e-mail addresses, each by itself: `example.org` has no `mail.example.org`."
    )
    invitation_days: int = Field(default=7, ge=1, le=90, description="How long an invitation counts, in days.")

    @property
    def is_asked_for(self) -> bool:
        """Whether there is a page on which people who were not invited begin."""
        return self.mode in {"open", "domain"}

    @property
    def is_on(self) -> bool:
        """Whether anybody may sign up."""
        return self.mode != "off"

    def admits(self, email: str) -> bool:
        """Tell whether the owner of an address may sign up without an invitation."""
        # Folding would make `straße` of another owner (RFC 5891) the same as `strasse`.
        domain = email.rpartition("@")[2].lower()
        return self.mode == "open" or (self.mode == "domain" and domain in self.domains)


class Password(Group):
    """What new passwords are compared with, beside the rules that always count."""

    breach_check_url: Annotated[str, AfterValidator(check_service_url)] = Field(
        default="",
        description="Service that knows passwords from breaches, such as `https://api.pwnedpasswords.com/range`; "
        "five digits of a digest are sent. Empty: none is asked.",
    )


class Accounts(Group):
    """What owners do with their accounts."""

    deletion_delay_days: int = Field(
        default=7,
        ge=0,
        le=365,
        description="Days for which an account that its owner has closed can be kept; then it is removed.",
    )


class SecondFactor(Group):
    """Who needs a second factor. Whoever has set one up is asked for it, but for a browser that they had remembered."""

    required: bool = Field(default=False, description="Everybody needs one; who has none sets it up when signing in.")
    required_for_roles: tuple[str, ...] = Field(default=(), description="Accounts with any of these roles need one.")
    remember_device_days: int = Field(
        default=30,
        ge=0,
        le=365,
        description="How long a browser can be remembered, in which an owner is not asked for their own; 0 for never.",
    )
