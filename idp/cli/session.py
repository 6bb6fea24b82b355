"""`idp session`: who is signed in."""

from typing import Any

import click

from idp.cli.failures import Failure
from idp.cli.opening import Program, pass_program
from idp.cli.output import as_json, instant, show_rows
from idp.cli.user import get_account
from idp.stores.interfaces import UnitOfWork
from idp.stores.records import Session


@click.group()
def session() -> None:
    """List and end sessions."""


@session.command("list")
@click.argument("username")
@as_json
@pass_program
def list_(program: Program, username: str, json_: bool) -> None:
    """List the live sessions of an account."""
    with program.reading() as uow:
        account = get_account(uow, username)
        rows = [_row(uow, found) for found in uow.sessions.list_live(account.account_id, program.now)]
    show_rows(rows, json_, "There are no live sessions.")


@session.command()
@click.argument("session_id", metavar="[SID]", required=False)
@click.option("--user", "username", help="End all sessions of this account instead.")
@pass_program
def revoke(program: Program, session_id: str | None, username: str | None) -> None:
    """End a session; its grants end and its clients are told by the running provider."""
    if bool(session_id) == bool(username):
        raise click.UsageError("Give the sid of a session, or --user NAME.")
    with program.writing() as uow:
        sids = [session_id] if session_id else _sids(program, uow, username or "")
        ended = [sid for sid in sids if program.sessions.end(uow, sid, program.now)]
    if session_id and not ended:
        raise Failure("There is no live session with that sid.", next_step="idp session list USERNAME")
    click.echo(f"Ended {len(ended)}; their clients are being told by the running provider.")


def _sids(program: Program, uow: UnitOfWork, username: str) -> list[str]:
    account = get_account(uow, username)
    return [found.session_id for found in uow.sessions.list_live(account.account_id, program.now)]


def _row(uow: UnitOfWork, found: Session) -> dict[str, Any]:
    return {
        "sid": found.session_id,
        "started": instant(found.created_at),
        "last_seen": instant(found.last_seen_at),
        "ends": instant(found.expires_at),
        "address": found.address,
        "clients": list(uow.grants.client_ids_of_session(found.session_id)),
        "device": found.user_agent[:60],
    }
