"""`idp migrate`."""

from contextlib import closing

import click

from idp.cli.opening import Program, pass_program


@click.command()
@pass_program
def migrate(program: Program) -> None:
    """Make the database, or bring its schema up to date."""
    from idp.app import open_storage

    with closing(open_storage(program.settings)) as storage:
        storage.migrate()
        storage.check()
    click.echo(f"The schema is current: {storage.place}")
