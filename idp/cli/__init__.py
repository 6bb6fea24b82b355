"""The command line: `idp`, one command a module. Exit codes: 0 done, 1 could not be done, 2 wrong use or settings.

A command's module is imported when the command is run, so that those that need little start quickly.
"""

import os
from collections.abc import Mapping
from importlib import import_module
from keyword import iskeyword
from pathlib import Path
from typing import Any

import click

from idp.cli.failures import as_failure
from idp.cli.opening import Program

COMMANDS: Mapping[str, str] = {
    "serve": "idp.cli.serve",
    "dev": "idp.cli.dev",
    "demo": "idp.cli.demo",
    "migrate": "idp.cli.migrate",
    "user": "idp.cli.user",
    "client": "idp.cli.client",
    "resource": "idp.cli.resource",
    "keys": "idp.cli.keys",
    "session": "idp.cli.session",
    "mail": "idp.cli.mail",
    "login-link": "idp.cli.login_link",
    "backup": "idp.cli.backup",
    "restore": "idp.cli.restore",
    "export": "idp.cli.export",
    "import": "idp.cli.import_",
    "config": "idp.cli.config",
    "theme": "idp.cli.theme",
    "healthcheck": "idp.cli.healthcheck",
    "version": "idp.cli.version",
}


class Commands(click.Group):
    """Commands by name of their module, in the order of the table; the one place that words failures."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - the library's signature
        """Return the names in the order in which people meet them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        # Python has the word `import` for itself.
        name = f"{cmd_name}_" if iskeyword(cmd_name) else cmd_name.replace("-", "_")
        command: click.Command = getattr(import_module(COMMANDS[cmd_name]), name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; what it foresees to fail is told without a trace."""
        try:
            return super().invoke(ctx)
        except click.ClickException:
            raise
        except Exception as error:
            failure = as_failure(error)
            if failure is None:
                raise
            raise failure from error


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The configuration file, instead of $IDP_CONFIG or idp.toml.",
)
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="A setting, as in --set port=9100.")
@click.pass_context
def main(context: click.Context, config: Path | None, assignments: tuple[str, ...]) -> None:
    """Signet: sign in once, on one hosted page, and be signed in everywhere."""
    # Whatever is made, others on this machine cannot read it (R19).
    os.umask(0o077)
    context.obj = Program.from_options(config, assignments)
