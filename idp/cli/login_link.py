"""`idp login-link`: an operator's way to let somebody back in who can get no mail."""

import click

from idp.accounts.audit import record
from idp.accounts.recovery import RESCUE_SECONDS, issue_link_token, reset_link
from idp.cli.failures import Failure
from idp.cli.opening import Program, pass_program
from idp.cli.user import get_account


@click.command("login-link")
@click.argument("username")
@click.option(
    "--without-second-factor", is_flag=True, help="Whoever uses it also loses the second factor, as for a lost phone."
)
@pass_program
def login_link(program: Program, username: str, without_second_factor: bool) -> None:
    """Print a link with which an account's owner sets a new password. It works once, for 15 minutes.

    Make sure that it is the owner whom you give it to. Earlier links of the account end."""
    with program.writing() as uow:
        account = get_account(uow, username)
        if not account.enabled:
            raise Failure(f"The account {account.username!r} is disabled.", next_step=f"idp user enable {username}")
        token = issue_link_token(
            uow,
            account,
            program.now,
            seconds=RESCUE_SECONDS,
            by_operator=True,
            without_second_factor=without_second_factor,
        )
        record(
            uow,
            "recovery.link_made",
            now=program.now,
            account_id=account.account_id,
            without_second_factor=without_second_factor,
        )
    click.echo(reset_link(program.settings.issuer, token))
