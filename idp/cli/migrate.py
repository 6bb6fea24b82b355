"""`idp migrate`."""

import click

from idp.cli.opening import Program, guarded, pass_program


@click.command()
@pass_program
@guarded
def migrate(program: Program) -> None:
    """Bring the database's schema up to date."""
    program.storage.check()
    click.echo(f"The schema is current: {program.settings.database_url}")
