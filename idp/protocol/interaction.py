"""The interaction: an authorization request waiting for its End-User.

It is a stored record, named by a handle in the page's URL and bound to the browser that began it, so several tabs, the
back button and a restart of the provider all work. Steps return to one dispatcher (`idp.protocol.authorization`),
which decides anew what is due; nothing that a page sends decides it.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from idp.protocol.context import Context
from idp.protocol.errors import Expired, Forbidden
from idp.protocol.messages import Browser, with_query
from idp.protocol.parameters import CLIENT_ID, Params
from idp.protocol.request_objects import must_be_signed
from idp.randomness import digest, is_same, new_handle
from idp.stores.records import Account, Artifact, Client, Session

KIND = "interaction"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proved:
    """What somebody has proved on the way to a session: to be this account, by these methods (RFC 8176), when the
    password was the one set at `password_set_at`; None where it was done by the passkey `passkey_id`. It starts no
    session before all that is needed was proved. `can_add_passkey` is what the browser says of itself;
    `remember_device` that its owner wants it remembered, said beside a second factor."""

    account_id: str
    amr: tuple[str, ...]
    authenticated_at: int
    password_set_at: int | None
    remembered: bool
    passkey_id: str | None = None
    can_add_passkey: bool = False
    remember_device: bool = False

    @classmethod
    def stored(cls, payload: Mapping[str, Any]) -> "Proved":
        """Return what was stored."""
        return cls(**{**payload, "amr": tuple(payload["amr"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction:
    """What is known of an authorization request under way. `session_id` is the session that it goes on with, once
    one was chosen; `done` names the prompts that were satisfied within it, which is what `prompt=login` asks for;
    `proved` is the part of a sign-in that was done. `own_path` is where it leads when no client asked, but one of
    the provider's own pages."""

    handle: str
    params: Params
    browser_hash: str | None
    session_id: str | None
    done: frozenset[str]
    created_at: int
    proved: Proved | None = None
    own_path: str | None = None

    def payload(self) -> dict[str, Any]:
        """Return what is stored."""
        return {
            "params": self.params.pairs(),
            "browser_hash": self.browser_hash,
            "session_id": self.session_id,
            "done": sorted(self.done),
            "proved": asdict(self.proved) if self.proved else None,
            "own_path": self.own_path,
        }

    def with_done(self, prompt: str, session_id: str) -> "Interaction":
        """Return the interaction after a prompt was satisfied in this session. A sign-in and a consent of another
        session do not count for this one: else choosing an account after someone's fresh sign-in would pass
        `prompt=login` for the chosen one (R16)."""
        done = self.done if self.session_id == session_id else self.done - {"login", "consent"}
        return replace(self, done=done | {prompt}, session_id=session_id, proved=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptState:
    """What a prompt's `reason` looks at. `hinted_account_id` is the account that must be here."""

    params: Params
    client: Client
    scopes: tuple[str, ...]
    resources: tuple[str, ...]
    done: frozenset[str]
    session: Session | None
    account: Account | None
    hinted_account_id: str | None
    context: Context


def begin(params: Params, browser_hash: str | None, context: Context, *, own_path: str | None = None) -> Interaction:
    """Store a new interaction and return it."""
    interaction = Interaction(
        handle=new_handle(),
        params=params,
        browser_hash=browser_hash,
        session_id=None,
        done=frozenset(),
        created_at=context.now,
        own_path=own_path,
    )
    context.uow.artifacts.add(
        Artifact(
            kind=KIND,
            handle_hash=digest(interaction.handle),
            payload=interaction.payload(),
            created_at=context.now,
            expires_at=context.now + context.settings.lifetimes.interaction_seconds,
        )
    )
    return interaction


def load(handle: str, context: Context) -> Interaction:
    """Return the live interaction of this handle for the browser that asks.

    Raises `Expired` when it is unknown, spent or too old, with the way to start it again when the browser is the one
    that began it; `Forbidden` when it belongs to another browser (login CSRF, R16)."""
    artifact = context.uow.artifacts.find(KIND, digest(handle))
    if artifact is None:
        raise Expired("This page does not exist any more.")
    browser_hash = context.request.browser.browser_hash
    bound_to = artifact.payload["browser_hash"]
    if bound_to is not None and not (browser_hash and is_same(bound_to, browser_hash)):
        raise Forbidden("This page was opened in another browser.", detail="interaction of another browser")
    params = Params.stored(artifact.payload["params"])
    # Absent, like what was proved, in what an older version stored.
    own_path = artifact.payload.get("own_path")
    if artifact.consumed_at is not None or artifact.expires_at <= context.now:
        raise Expired("This page was already used or is too old.", continue_url=restart_url(params, own_path, context))
    return Interaction(
        handle=handle,
        params=params,
        browser_hash=bound_to,
        session_id=artifact.payload["session_id"],
        done=frozenset(artifact.payload["done"]),
        created_at=artifact.created_at,
        proved=Proved.stored(proved) if (proved := artifact.payload.get("proved")) else None,
        own_path=own_path,
    )


def save(interaction: Interaction, context: Context) -> None:
    """Store what changed. Raises `Expired` when another tab finished it in the meantime."""
    if not context.uow.artifacts.update(KIND, digest(interaction.handle), interaction.payload(), context.now):
        raise Expired("This page was already used.", continue_url=_restart_url(interaction, context))


def finish(interaction: Interaction, context: Context) -> None:
    """Spend the interaction: it leads to one response only (R4). Raises `Expired` when it was spent before."""
    if context.uow.artifacts.consume(KIND, digest(interaction.handle), context.now) is None:
        raise Expired("This page was already used.", continue_url=_restart_url(interaction, context))


def _restart_url(interaction: Interaction, context: Context) -> str | None:
    return restart_url(interaction.params, interaction.own_path, context)


def restart_url(params: Params, own_path: str | None, context: Context) -> str | None:
    """Return an authorization request that says what a stored one says, or the page that asked: the way to begin it
    again. None where only the client can make one, for it must be signed."""
    if own_path is not None:
        return context.server.url(own_path)
    client = context.uow.clients.find(params.require(CLIENT_ID))
    if client is None or must_be_signed(client):
        return None
    pairs = [(name, value) for name, values in params.pairs().items() for value in values]
    return with_query(context.server.url("/oauth2/authorize"), pairs)


def form_token(handle: str, browser: Browser) -> str:
    """Return the anti-forgery token of a page: only who knows the browser's cookie can make it."""
    return digest(f"form\n{handle}\n{browser.browser_id or ''}")


def check_form_token(handle: str, browser: Browser, token: str) -> None:
    """Raises `Forbidden` unless the token is the one given to this browser for this page (R16)."""
    if browser.browser_id is None or not is_same(form_token(handle, browser), token):
        raise Forbidden("This form was not sent from our own page, or its cookie is gone.", detail="form token")
