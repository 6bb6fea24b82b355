"""`idp session`: who is signed in."""

import click

from idp.accounts.accounts import find_account
from idp.accounts.audit import record
from idp.cli.opening import Program, guarded, pass_program
from idp.cli.output import as_json, instant, show_rows


@click.group()
def session() -> None:
    """List and end sessions."""


@session.command("list")
@click.argument("username")
@as_json
@pass_program
@guarded
def list_(program: Program, username: str, json_: bool) -> None:
    """List the live sessions of an account."""
    with program.reading() as uow:
        account = find_account(uow, username)
        if account is None:
            raise click.ClickException(f"There is no account {username!r}; `idp user list` shows all.")
        found = uow.sessions.list_live(account.account_id, program.now)
        rows = [
            {
                "sid": s.session_id,
                "started": instant(s.created_at),
                "last_seen": instant(s.last_seen_at),
                "ends": instant(s.expires_at),
                "address": s.address,
                "clients": list(uow.grants.client_ids_of_session(s.session_id)),
                "device": s.user_agent[:60],
            }
            for s in found
        ]
    show_rows(rows, json_, "There are no live sessions.")


@session.command()
@click.argument("session_id", metavar="SID")
@pass_program
@guarded
def revoke(program: Program, session_id: str) -> None:
    """End a session; its grants end and its clients are told by the running provider."""
    with program.writing() as uow:
        ended = program.sessions.end(uow, session_id, program.now)
        if ended is None:
            raise click.ClickException("There is no live session with that sid.")
        record(uow, "session.ended", now=program.now, account_id=ended.account_id, session_id=session_id)
    click.echo("Ended; its clients are being told.")
