"""`idp user`: accounts."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from idp.accounts.accounts import (
    create_account,
    disable_account,
    enable_account,
    find_account,
    set_password,
    set_roles,
)
from idp.accounts.audit import record
from idp.authentication.methods.password import Passwords
from idp.cli.opening import Program, guarded, pass_program
from idp.cli.output import as_json, instant, read_secret, secret_options, show_rows
from idp.stores.interfaces import Duplicate, UnitOfWork
from idp.stores.records import Account


@click.group()
def user() -> None:
    """Manage accounts."""


@user.command()
@click.argument("username")
@click.option("--email", help="E-mail address; one can sign in by it as well.")
@click.option("--role", "roles", multiple=True, help="A role; repeatable.")
@click.option("--claims", "claims_json", help="Standard claims (OIDC Core §5.1) as a JSON object.")
@secret_options("password")
@pass_program
@guarded
def add(
    program: Program,
    username: str,
    email: str | None,
    roles: tuple[str, ...],
    claims_json: str | None,
    from_stdin: bool,
    from_file: Path | None,
) -> None:
    """Make an account."""
    claims = _claims(claims_json)
    hashed = _hash(program, read_secret("password", from_stdin, from_file))
    try:
        with program.writing() as uow:
            account = create_account(
                uow, username=username, email=email, claims=claims, roles=roles, password_hash=hashed, now=program.now
            )
            record(uow, "account.created", now=program.now, account_id=account.account_id)
    except ValueError as fault:
        raise click.UsageError(str(fault)) from None
    except Duplicate:
        raise click.ClickException("That user name or e-mail address is taken.") from None
    click.echo(f"Made {account.username}; sub {account.account_id}")


@user.command("list")
@as_json
@pass_program
@guarded
def list_(program: Program, json_: bool) -> None:
    """List the accounts."""
    rows = []
    with program.reading() as uow:
        after = ""
        while page := uow.accounts.list(after=after, limit=500):
            after = page[-1].account_id
            rows += [_row(account) for account in page]
    show_rows(rows, json_, "There are no accounts; make one: idp user add NAME")


@user.command()
@click.argument("username")
@secret_options("password")
@pass_program
@guarded
def passwd(program: Program, username: str, from_stdin: bool, from_file: Path | None) -> None:
    """Set a password; all sessions and grants of the account end."""
    hashed = _hash(program, read_secret("password", from_stdin, from_file))

    def change(uow: UnitOfWork, account: Account) -> None:
        set_password(uow, program.sessions, account, hashed, program.now)

    _change(program, username, change, "account.password_changed")
    click.echo("The password is set; all sessions of the account have ended.")


@user.command()
@click.argument("username")
@pass_program
@guarded
def disable(program: Program, username: str) -> None:
    """Disable an account; its sessions and grants end at once."""
    _change(
        program, username, lambda uow, a: disable_account(uow, program.sessions, a, program.now), "account.disabled"
    )
    click.echo("Disabled; its sessions and grants have ended.")


@user.command()
@click.argument("username")
@pass_program
@guarded
def enable(program: Program, username: str) -> None:
    """Let a disabled account sign in again."""
    _change(program, username, lambda uow, a: enable_account(uow, a, program.now), "account.enabled")
    click.echo("Enabled; what had ended stays ended.")


@user.command()
@click.argument("username")
@click.argument("roles", nargs=-1)
@pass_program
@guarded
def roles(program: Program, username: str, roles: tuple[str, ...]) -> None:
    """Set an account's roles; without any, it has none."""
    _change(program, username, lambda uow, a: set_roles(uow, a, roles, program.now), "account.roles_changed")
    click.echo("The roles are set; tokens made from now on have them.")


def _change(program: Program, username: str, change: Callable[[UnitOfWork, Account], Any], event: str) -> None:
    with program.writing() as uow:
        account = find_account(uow, username)
        if account is None:
            raise click.ClickException(f"There is no account {username!r}; `idp user list` shows all.")
        change(uow, account)
        record(uow, event, now=program.now, account_id=account.account_id)


def _hash(program: Program, password: str) -> str:
    try:
        return Passwords(program.settings.argon2).hash(password)
    except ValueError as fault:
        raise click.UsageError(str(fault)) from None


def _claims(text: str | None) -> dict[str, Any]:
    try:
        claims = json.loads(text) if text else {}
    except ValueError as fault:
        raise click.UsageError(f"--claims is not JSON: {fault}") from None
    if not isinstance(claims, dict):
        raise click.UsageError("--claims must be a JSON object.")
    return claims


def _row(account: Account) -> dict[str, Any]:
    return {
        "username": account.username,
        "sub": account.account_id,
        "email": account.claims.get("email"),
        "roles": list(account.roles),
        "enabled": account.enabled,
        "created": instant(account.created_at),
    }
