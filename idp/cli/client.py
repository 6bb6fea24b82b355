"""`idp client`: relying parties."""

import os
from pathlib import Path
from typing import Any

import click

from idp.accounts.audit import record
from idp.accounts.clients import create_client, disable_client, enable_client, rotate_secret
from idp.cli.opening import Program, guarded, pass_program
from idp.cli.output import as_json, instant, show_one, show_rows
from idp.protocol.errors import ProtocolError
from idp.stores.interfaces import Duplicate, UnitOfWork
from idp.stores.records import Client

# What each kind of client is registered with unless told otherwise (RFC 9700, RFC 8252).
KINDS: dict[str, dict[str, Any]] = {
    "web": {
        "application_type": "web",
        "token_endpoint_auth_method": "client_secret_basic",
        "grant_types": ["authorization_code", "refresh_token"],
    },
    "spa": {
        "application_type": "web",
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
    },
    "native": {
        "application_type": "native",
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
    },
    "machine": {
        "application_type": "web",
        "token_endpoint_auth_method": "client_secret_basic",
        "grant_types": ["client_credentials"],
    },
}


@click.group()
def client() -> None:
    """Manage clients (relying parties)."""


@client.command()
@click.argument("client_id")
@click.option("--type", "kind", type=click.Choice(list(KINDS)), default="web", show_default=True)
@click.option("--name", help="The name that people see.")
@click.option("--redirect-uri", "redirect_uris", multiple=True, help="Repeatable; compared exactly.")
@click.option("--post-logout-redirect-uri", "post_logout_redirect_uris", multiple=True, help="Repeatable.")
@click.option("--backchannel-logout-uri", help="Where logout tokens are posted.")
@click.option("--client-uri", help="The application's home page.")
@click.option("--auth", type=click.Choice(["client_secret_basic", "client_secret_post", "none"]))
@click.option("--grant-type", "grant_types", multiple=True, help="Repeatable; by default what the type needs.")
@click.option("--scope", help="The scopes that it may have, space-delimited.")
@click.option("--first-party", is_flag=True, help="Yours: no consent page.")
@click.option("--secret-file", type=click.Path(dir_okay=False, path_type=Path), help="Write the secret there, 0600.")
@pass_program
@guarded
def add(
    program: Program,
    /,
    client_id: str,
    kind: str,
    first_party: bool,
    secret_file: Path | None,
    auth: str | None,
    name: str | None,
    **members: Any,
) -> None:
    """Register a client and print its secret once."""
    given = {key: list(value) if isinstance(value, tuple) else value for key, value in members.items() if value}
    metadata = KINDS[kind] | given | ({"client_name": name} if name else {})
    if auth:
        metadata |= {"token_endpoint_auth_method": auth}
    try:
        checked = program.registry.check_client_metadata(metadata, program.settings)
        with program.writing() as uow:
            made, secret = create_client(
                uow, client_id=client_id, metadata=checked, first_party=first_party, now=program.now
            )
            record(uow, "client.created", now=program.now, client_id=client_id)
    except ProtocolError as fault:
        raise click.UsageError(f"{fault.description} {fault.hint}".strip()) from None
    except Duplicate:
        raise click.ClickException(f"The client_id {client_id!r} is taken.") from None
    click.echo(f"Registered {made.client_id}")
    if secret is not None:
        tell_secret(secret, secret_file)


@client.command("list")
@as_json
@pass_program
@guarded
def list_(program: Program, json_: bool) -> None:
    """List the clients."""
    rows = []
    with program.reading() as uow:
        after = ""
        while page := uow.clients.list(after=after, limit=500):
            after = page[-1].client_id
            rows += [_row(found) for found in page]
    show_rows(rows, json_, "There are no clients; register one: idp client add ID --redirect-uri URI")


@client.command()
@click.argument("client_id")
@as_json
@pass_program
@guarded
def show(program: Program, client_id: str, json_: bool) -> None:
    """Show a client with its metadata and the latest logout deliveries; never its secret."""
    with program.reading() as uow:
        found = _get(uow, client_id)
        log = uow.outbox.list(client_id=client_id, limit=5)
    deliveries = [f"{instant(m.created_at)} {m.last_result or 'waiting'} after {m.attempts} tries" for m in log]
    values = {**_row(found), **{key: _plain(value) for key, value in found.metadata.items()}}
    show_one(values | {"logout_deliveries": deliveries}, json_)


@client.command("rotate-secret")
@click.argument("client_id")
@click.option("--secret-file", type=click.Path(dir_okay=False, path_type=Path), help="Write the secret there, 0600.")
@pass_program
@guarded
def rotate_secret_(program: Program, client_id: str, secret_file: Path | None) -> None:
    """Give a client a new secret; the old one counts for a grace period."""
    grace = program.settings.lifetimes.client_secret_grace_seconds
    with program.writing() as uow:
        found = _get(uow, client_id)
        if found.secret_hash is None:
            raise click.ClickException(f"{client_id} is a public client; it has no secret.")
        secret = rotate_secret(uow, found, program.now, grace)
        record(uow, "client.secret_rotated", now=program.now, client_id=client_id)
    click.echo(f"The old secret counts until {instant(program.now + grace)}.")
    tell_secret(secret, secret_file)


@client.command()
@click.argument("client_id")
@pass_program
@guarded
def disable(program: Program, client_id: str) -> None:
    """Disable a client; its grants end at once."""
    with program.writing() as uow:
        disable_client(uow, _get(uow, client_id), program.now)
        record(uow, "client.disabled", now=program.now, client_id=client_id)
    click.echo("Disabled; its grants have ended.")


@client.command()
@click.argument("client_id")
@pass_program
@guarded
def enable(program: Program, client_id: str) -> None:
    """Let a disabled client be used again."""
    with program.writing() as uow:
        enable_client(uow, _get(uow, client_id), program.now)
        record(uow, "client.enabled", now=program.now, client_id=client_id)
    click.echo("Enabled; what had ended stays ended.")


def tell_secret(secret: str, file: Path | None) -> None:
    """Write the secret to a new 0600 file, or print it, once."""
    if file is None:
        click.echo(f"Secret, shown this once: {secret}")
        return
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as handle:
        handle.write(secret + "\n")
    click.echo(f"The secret is in {file}.")


def _get(uow: UnitOfWork, client_id: str) -> Client:
    found = uow.clients.find(client_id)
    if found is None:
        raise click.ClickException(f"There is no client {client_id!r}; `idp client list` shows all.")
    return found


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _row(found: Client) -> dict[str, Any]:
    return {
        "client_id": found.client_id,
        "name": found.name,
        "auth": found.value("token_endpoint_auth_method"),
        "redirect_uris": list(found.values("redirect_uris")),
        "first_party": found.first_party,
        "enabled": found.enabled,
        "created": instant(found.created_at),
    }
