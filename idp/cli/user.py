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
from idp.accounts.deletion import close_account, remove_account
from idp.accounts.emails import request_email_change
from idp.accounts.mails import notify
from idp.authentication.methods.password import Passwords
from idp.cli.failures import Failure
from idp.cli.invite import invite_
from idp.cli.opening import Program, pass_program
from idp.cli.output import as_json, instant, show_rows
from idp.cli.secret_values import password_options, read_password
from idp.stores.interfaces import Duplicate, UnitOfWork
from idp.stores.records import Account

_PAGE = 500


@click.group()
def user() -> None:
    """Manage accounts."""


@user.command()
@click.argument("username")
@click.option("--email", help="E-mail address; one can sign in by it as well.")
@click.option("--role", "roles", multiple=True, help="A role; repeatable.")
@click.option("--claims", "claims_json", help="Standard claims (OIDC Core §5.1) as JSON; also `name#de`.")
@click.option("--verify", is_flag=True, help="Send a mail by which the address is confirmed.")
@password_options
@pass_program
def add(
    program: Program,
    username: str,
    email: str | None,
    roles: tuple[str, ...],
    claims_json: str | None,
    verify: bool,
    password_stdin: bool,
    password_file: Path | None,
) -> None:
    """Make an account."""
    claims = _claims(claims_json)
    if verify and not email:
        raise click.UsageError("--verify needs --email.")
    if verify and not program.settings.sends_mail:
        raise Failure(
            "There is no mail server, so nothing can be confirmed.", next_step="set mail.host, or omit --verify"
        )
    hashed = _hash(program, read_password(password_stdin, password_file))
    try:
        with program.writing() as uow:
            account = create_account(
                uow, username=username, email=email, claims=claims, roles=roles, password_hash=hashed, now=program.now
            )
            record(uow, "account.created", now=program.now, account_id=account.account_id)
            if verify and email:
                request_email_change(uow, account, email, program.now)
    except ValueError as fault:
        raise click.UsageError(str(fault)) from None
    except Duplicate:
        raise Failure("That user name or e-mail address is taken.", next_step="idp user list") from None
    click.echo(f"Made {account.username}; sub {account.account_id}")


@user.command("list")
@as_json
@pass_program
def list_(program: Program, json_: bool) -> None:
    """List the accounts."""
    rows = []
    with program.reading() as uow:
        after = ""
        while page := uow.accounts.list(after=after, limit=_PAGE):
            after = page[-1].account_id
            rows += [_row(account) for account in page]
    show_rows(rows, json_, "There are no accounts; make one: idp user add NAME")


@user.command()
@click.argument("username")
@password_options
@pass_program
def passwd(program: Program, username: str, password_stdin: bool, password_file: Path | None) -> None:
    """Set a password; all sessions and grants of the account end."""
    hashed = _hash(program, read_password(password_stdin, password_file))

    def change(uow: UnitOfWork, account: Account) -> None:
        set_password(uow, program.sessions, account, hashed, program.now)
        if program.settings.sends_mail:
            notify(uow, account, "password_changed", program.now)

    _change(program, username, change, "account.password_changed")
    click.echo("The password is set; all sessions of the account have ended.")


@user.command()
@click.argument("username")
@pass_program
def disable(program: Program, username: str) -> None:
    """Disable an account; its sessions and grants end at once."""

    def change(uow: UnitOfWork, account: Account) -> None:
        disable_account(uow, program.sessions, account, program.now)

    _change(program, username, change, "account.disabled")
    click.echo("Disabled; its sessions and grants have ended.")


@user.command()
@click.argument("username")
@pass_program
def enable(program: Program, username: str) -> None:
    """Let a disabled account sign in again, or keep one that was closed."""
    _change(program, username, lambda uow, account: enable_account(uow, account, program.now), "account.enabled")
    click.echo("Enabled; what had ended stays ended.")


@user.command()
@click.argument("username")
@click.option("--now", "at_once", is_flag=True, help="Remove it at once and for good, instead of closing it.")
@pass_program
def remove(program: Program, username: str, at_once: bool) -> None:
    """Close an account, which is removed some days later, unless its owner signs in and keeps it.

    Its sessions and grants end at once. The days are `accounts.deletion_delay_days`; `idp user enable` keeps it.
    USERNAME may also be a sub."""
    with program.writing() as uow:
        account = uow.accounts.find(username) or get_account(uow, username)
        if at_once:
            remove_account(uow, program.sessions, account, program.now)
            click.echo(f"Removed {account.username} with all that belonged to it.")
            return
        days = program.settings.accounts.deletion_delay_days
        closed = close_account(uow, program.sessions, account, program.now, delay_days=days)
        record(uow, "account.closed", now=program.now, account_id=closed.account_id, delete_at=closed.delete_at)
        if program.settings.sends_mail:
            notify(uow, closed, "account_closed", program.now, at=closed.delete_at)
    click.echo(
        f"Closed; it is removed at {instant(closed.delete_at or program.now)}. Keep it: idp user enable {username}"
    )


@user.command()
@click.argument("username")
@click.argument("names", nargs=-1, metavar="[ROLE]...")
@pass_program
def roles(program: Program, username: str, names: tuple[str, ...]) -> None:
    """Set an account's roles; without any, it has none."""
    _change(
        program, username, lambda uow, account: set_roles(uow, account, names, program.now), "account.roles_changed"
    )
    click.echo("The roles are set; tokens made from now on have them.")


user.add_command(invite_)


def get_account(uow: UnitOfWork, name: str) -> Account:
    """Return the account that signs in by a name. Raises `Failure`."""
    account = find_account(uow, name)
    if account is None:
        raise Failure(
            f"There is no account {name!r}.",
            expected="a user name or an e-mail address that an account signs in by",
            next_step="idp user list",
        )
    return account


def _change(program: Program, username: str, change: Callable[[UnitOfWork, Account], Any], event: str) -> None:
    with program.writing() as uow:
        account = get_account(uow, username)
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
    except (ValueError, RecursionError) as fault:
        raise click.UsageError(f"--claims is not JSON: {fault}") from None
    if not isinstance(claims, dict):
        raise click.UsageError('--claims must be a JSON object, such as {"name": "Alice Example"}.')
    return claims


def _row(account: Account) -> dict[str, Any]:
    return {
        "username": account.username,
        "sub": account.account_id,
        "email": account.claims.get("email"),
        "email_verified": account.claims.get("email_verified") is True,
        "roles": list(account.roles),
        "enabled": account.enabled,
        "removed": instant(account.delete_at) if account.delete_at is not None else None,
        "created": instant(account.created_at),
    }
