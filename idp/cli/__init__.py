"""The command line: `idp`, one command a module. Exit codes: 0 done, 1 could not be done, 2 wrong use."""

import click

from idp.cli import client, config, demo, healthcheck, keys, migrate, resource, serve, session, user, version
from idp.cli.opening import Program


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="A setting, e.g. --set port=9100.")
@click.option("--home", type=click.Path(file_okay=False), help="Directory of the database (the setting `home`).")
@click.pass_context
def main(context: click.Context, settings: tuple[str, ...], home: str | None) -> None:
    """Signet: sign in once, on one hosted page, and be signed in everywhere."""
    context.obj = Program.from_options(settings, home)


for command in (
    serve.serve,
    serve.dev,
    demo.demo,
    migrate.migrate,
    user.user,
    client.client,
    resource.resource,
    keys.keys,
    session.session,
    config.config,
    healthcheck.healthcheck,
    version.version,
):
    main.add_command(command)
