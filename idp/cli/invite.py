"""`idp user invite`: lets somebody make an account."""

import click

from idp.accounts.accounts import find_account
from idp.accounts.audit import record
from idp.accounts.names import checked_mailable
from idp.accounts.sign_up import FINISH_PATH, invite, issue_invitation_token
from idp.cli.failures import Failure
from idp.cli.opening import Program, pass_program


@click.command("invite")
@click.argument("email")
@click.option("--role", "roles", multiple=True, help="A role that the account gets; repeatable.")
@click.option("--print", "print_", is_flag=True, help="Print the link instead of mailing it.")
@pass_program
def invite_(program: Program, email: str, roles: tuple[str, ...], print_: bool) -> None:
    """Invite somebody to make an account with an e-mail address.

    The link works once, for sign_up.invitation_days. It is mailed, or printed where there is no mail; only a mailed one
    proves the address."""
    settings, email = program.settings, email.strip()
    if not settings.sign_up.is_on:
        raise Failure(
            "Nobody may sign up: sign_up.mode is off.",
            next_step="set sign_up.mode to invitation, open or domain for `idp serve` and for this command",
        )
    try:
        checked_mailable(email)
    except ValueError as fault:
        raise click.UsageError(f"EMAIL {fault}") from None
    is_mailed, days = settings.sends_mail and not print_, settings.sign_up.invitation_days
    with program.writing() as uow:
        if find_account(uow, email) is not None:
            raise Failure("That address belongs to an account already.", next_step="idp user list")
        record(uow, "invitation.made", now=program.now, mailed=is_mailed, roles=list(roles))
        if is_mailed:
            invite(uow, email, roles, program.now)
        else:
            token = issue_invitation_token(uow, email, roles, program.now, days=days, is_mailed=False)
    if is_mailed:
        click.echo("The invitation is on its way; idp mail list shows what became of it.")
    else:
        click.echo(f"{settings.issuer}{FINISH_PATH}?token={token}")
