"""What a specification may show a person: facts only. How a page looks is the web layer's."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class FormPost:
    """Have the browser post these members to a validated URI of a client."""

    uri: str
    members: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFrame:
    """Be loaded in a frame by any client's page and tell it, when asked, whether the browser's sessions changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOutQuestion:
    """Ask whether to sign out; `flow` names the stored logout request, `return_uri` is where its answer leads."""

    flow: str
    account_name: str
    client_name: str | None
    return_uri: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedOutNotice:
    """Tell that the End-User is signed out, which clients were told, and where to go on.

    `frame_uris` are to be loaded by the browser, to tell clients through it; `continue_uri` is where it goes when they
    have been, or soon."""

    client_names: tuple[str, ...] = ()
    return_name: str | None = None
    return_uri: str | None = None
    frame_uris: tuple[str, ...] = ()
    continue_uri: str | None = None
