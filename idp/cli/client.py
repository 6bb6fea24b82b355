"""`idp client`: relying parties. Their metadata is checked by the registry, as any registration would be."""

import json
from pathlib import Path
from typing import Any

import click

from idp.accounts.audit import record
from idp.accounts.clients import (
    create_client,
    disable_client,
    enable_client,
    remove_client,
    rotate_secret,
    secret_is_key,
)
from idp.accounts.invitations import issue_invitation
from idp.cli.durations import Duration
from idp.cli.failures import Failure
from idp.cli.opening import Program, pass_program
from idp.cli.output import as_json, instant, show_one, show_rows
from idp.cli.secret_values import secret_file_option, secret_outlet
from idp.exchange.clients import check_client
from idp.exchange.outcome import Wrong
from idp.protocol.profiles import PROFILES
from idp.stores.interfaces import Duplicate, UnitOfWork
from idp.stores.records import Client

_PAGE = 500
_LATEST_DELIVERIES = 5
_LONGEST_INVITATION = 30 * 86_400
_FOR_PEOPLE = ["authorization_code", "refresh_token"]
# What each kind of client is registered with unless told otherwise (RFC 9700, RFC 8252).
KINDS: dict[str, dict[str, Any]] = {
    "web": {"token_endpoint_auth_method": "client_secret_basic", "grant_types": _FOR_PEOPLE},
    "spa": {"token_endpoint_auth_method": "none", "grant_types": _FOR_PEOPLE},
    "native": {"application_type": "native", "token_endpoint_auth_method": "none", "grant_types": _FOR_PEOPLE},
    "machine": {"token_endpoint_auth_method": "client_secret_basic", "grant_types": ["client_credentials"]},
}


class _JwksFile(click.Path):
    """A file with JSON in it; the registry judges what the JSON says."""

    def __init__(self) -> None:
        super().__init__(exists=True, dir_okay=False)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        path = super().convert(value, param, ctx)
        try:
            return json.loads(Path(str(path)).read_bytes())
        except (OSError, ValueError) as error:
            self.fail(f"{value} is not JSON: {error}", param, ctx)


class _Member(click.ParamType[tuple[str, Any]]):
    """NAME=VALUE: a member of client metadata; the value is JSON, or a text as it stands."""

    name = "name=value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, Any]:
        name, equals, text = str(value).partition("=")
        if not name or not equals:
            self.fail(f"{value} is not NAME=VALUE", param, ctx)
        try:
            return name, json.loads(text)
        except (ValueError, RecursionError):
            return name, text


@click.group()
def client() -> None:
    """Manage clients (relying parties)."""


@client.command()
@click.argument("client_id")
@click.option("--type", "kind", type=click.Choice(list(KINDS)), default="web", show_default=True, help="Its kind.")
@click.option("--name", "client_name", help="The name that people see.")
@click.option("--redirect-uri", "redirect_uris", multiple=True, help="Repeatable; compared exactly.")
@click.option("--post-logout-redirect-uri", "post_logout_redirect_uris", multiple=True, help="Repeatable.")
@click.option("--backchannel-logout-uri", help="Where logout tokens are posted.")
@click.option("--frontchannel-logout-uri", help="What the signed-out browser loads in a frame.")
@click.option("--initiate-login-uri", help="Where a sign-in begun elsewhere is sent.")
@click.option("--client-uri", help="The application's home page.")
@click.option(
    "--auth",
    "token_endpoint_auth_method",
    type=click.Choice(["client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none"]),
    help="How it authenticates; by default as its type does.",
)
@click.option(
    "--jwks-file", "jwks", type=_JwksFile(), help="Its public keys, a JWK Set: to verify by and to encrypt to."
)
@click.option("--grant-type", "grant_types", multiple=True, help="Repeatable; by default what its type needs.")
@click.option("--response-type", "response_types", multiple=True, help="Repeatable; `code` by default.")
@click.option("--profile", type=click.Choice(PROFILES), help="`oidc_legacy` admits implicit, hybrid and no PKCE.")
@click.option("--scope", "scopes", multiple=True, help="The scopes that it may have; repeatable or space-delimited.")
@click.option("--member", "further", type=_Member(), multiple=True, help="Any other metadata: NAME=VALUE or NAME=JSON.")
@click.option("--first-party", is_flag=True, help="Your own application: no consent page.")
@secret_file_option
@pass_program
def add(
    program: Program,
    /,
    client_id: str,
    kind: str,
    scopes: tuple[str, ...],
    further: tuple[tuple[str, Any], ...],
    first_party: bool,
    secret_file: Path | None,
    **members: Any,
) -> None:
    """Register a client and print its secret once."""
    given = {name: list(value) if isinstance(value, tuple) else value for name, value in members.items() if value}
    metadata = KINDS[kind] | given | ({"scope": " ".join(scopes)} if scopes else {}) | dict(further)
    checked = _check(program, client_id, metadata)
    vault = program.vault if secret_is_key(checked) else None
    with secret_outlet(secret_file, replace=False) as hand_out:
        try:
            with program.writing() as uow:
                made, secret = create_client(
                    uow, client_id=client_id, metadata=checked, first_party=first_party, vault=vault, now=program.now
                )
                record(uow, "client.created", now=program.now, client_id=client_id)
        except Duplicate:
            raise Failure(f"The client_id {client_id!r} is taken.", next_step="idp client list") from None
        click.echo(f"Registered {made.client_id}")
        hand_out(secret)


@client.command("list")
@as_json
@pass_program
def list_(program: Program, json_: bool) -> None:
    """List the clients."""
    rows = []
    with program.reading() as uow:
        after = ""
        while page := uow.clients.list(after=after, limit=_PAGE):
            after = page[-1].client_id
            rows += [_row(found) for found in page]
    show_rows(rows, json_, "There are no clients; register one: idp client add ID --redirect-uri URI")


@client.command()
@click.argument("client_id")
@as_json
@pass_program
def show(program: Program, client_id: str, json_: bool) -> None:
    """Show a client with its metadata and the latest logout deliveries; never its secret."""
    with program.reading() as uow:
        found = _get(uow, client_id)
        log = uow.outbox.list(client_id=client_id, limit=_LATEST_DELIVERIES)
    deliveries = [
        f"{instant(message.created_at)} {message.last_result or 'waiting'}, attempt {message.attempts}"
        for message in log
    ]
    metadata = {name: list(value) if isinstance(value, tuple) else value for name, value in found.metadata.items()}
    show_one(_row(found) | metadata | {"logout_deliveries": deliveries}, json_)


@client.command("rotate-secret")
@click.argument("client_id")
@secret_file_option
@pass_program
def rotate_secret_(program: Program, client_id: str, secret_file: Path | None) -> None:
    """Give a client a new secret; the old one counts for a grace period."""
    grace = program.settings.lifetimes.client_secret_grace_seconds
    with secret_outlet(secret_file, replace=True) as hand_out:
        with program.writing() as uow:
            found = _get(uow, client_id)
            if found.secret_hash is None:
                raise Failure(f"{client_id} has no secret; its method needs none.")
            vault = program.vault if secret_is_key(found.metadata) else None
            secret = rotate_secret(uow, found, program.now, grace, vault)
            record(uow, "client.secret_rotated", now=program.now, client_id=client_id)
        click.echo(f"The old secret counts until {instant(program.now + grace)}.")
        hand_out(secret)


@client.command()
@click.option(
    "--expires",
    "lifetime_seconds",
    type=Duration(most_seconds=_LONGEST_INVITATION),
    default="1d",
    show_default=True,
    help="How long it counts: a number with s, m, h or d; 30 days at most.",
)
@secret_file_option
@pass_program
def invite(program: Program, lifetime_seconds: int, secret_file: Path | None) -> None:
    """Make an initial access token, with which one client may register itself (RFC 7591), and print it once."""
    expires_at = program.now + lifetime_seconds
    with secret_outlet(secret_file, replace=False) as hand_out:
        with program.writing() as uow:
            token, invitation_id = issue_invitation(uow, now=program.now, expires_at=expires_at)
            record(uow, "client.invited", now=program.now, invitation_id=invitation_id, expires_at=expires_at)
        click.echo(f"Invitation {invitation_id}: one registration until {instant(expires_at)}.")
        if program.settings.registration == "off":
            click.echo('Clients can use it when registration is on: set registration = "token".', err=True)
        hand_out(token)


@client.command()
@click.argument("client_id")
@pass_program
def remove(program: Program, client_id: str) -> None:
    """Forget a client; its grants end, and consents to it are forgotten."""
    with program.writing() as uow:
        remove_client(uow, _get(uow, client_id), program.now)
        record(uow, "client.removed", now=program.now, client_id=client_id)
    click.echo("Removed; its grants have ended.")


@client.command()
@click.argument("client_id")
@pass_program
def disable(program: Program, client_id: str) -> None:
    """Disable a client; its grants end at once."""
    with program.writing() as uow:
        disable_client(uow, _get(uow, client_id), program.now)
        record(uow, "client.disabled", now=program.now, client_id=client_id)
    click.echo("Disabled; its grants have ended.")


@client.command()
@click.argument("client_id")
@pass_program
def enable(program: Program, client_id: str) -> None:
    """Let a disabled client be used again."""
    with program.writing() as uow:
        enable_client(uow, _get(uow, client_id), program.now)
        record(uow, "client.enabled", now=program.now, client_id=client_id)
    click.echo("Enabled; what had ended stays ended.")


def _check(program: Program, client_id: str, metadata: dict[str, Any]) -> dict[str, Any]:
    try:
        return check_client(client_id, metadata, program.registry, program.settings)
    except Wrong as fault:
        raise click.UsageError(str(fault)) from None


def _get(uow: UnitOfWork, client_id: str) -> Client:
    found = uow.clients.find(client_id)
    if found is None:
        raise Failure(f"There is no client {client_id!r}.", next_step="idp client list")
    return found


def _row(found: Client) -> dict[str, Any]:
    return {
        "client_id": found.client_id,
        "name": found.name,
        "auth": found.value("token_endpoint_auth_method"),
        "redirect_uris": list(found.values("redirect_uris")),
        "first_party": found.first_party,
        "self_registered": found.registration_token_hash is not None,
        "enabled": found.enabled,
        "created": instant(found.created_at),
    }
