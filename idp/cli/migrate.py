"""`idp migrate`."""

import click

from idp.cli.opening import Program, pass_program


@click.command()
@pass_program
def migrate(program: Program) -> None:
    """Make the database, or bring its schema up to date."""
    from idp.app import open_storage

    storage = open_storage(program.settings)
    storage.migrate()
    storage.check()
    storage.close()
    click.echo(f"The schema is current: {program.settings.database_url}")
