"""What a specification may show a person: facts only. How a page looks is the web layer's."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOutQuestion:
    """Ask whether to sign out; `flow` names the stored logout request, `return_uri` is where its answer leads."""

    flow: str
    account_name: str
    client_name: str | None
    return_uri: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedOutNotice:
    """Tell that the End-User is signed out, which clients were told, and where to go on."""

    client_names: tuple[str, ...] = ()
    return_name: str | None = None
    return_uri: str | None = None
