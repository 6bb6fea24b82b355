"""`idp keys`: the provider's keys, those that sign and those that others encrypt to."""

import click

from idp.cli.failures import Failure
from idp.cli.opening import Program, pass_program
from idp.cli.output import as_json, instant, show_rows
from idp.jose.algorithms import ALGORITHMS, DEFAULT_ALGORITHM, KEY_MANAGEMENT
from idp.jose.key_plan import state_of
from idp.jose.rotation import KeyInUse


@click.group()
def keys() -> None:
    """List, rotate and withdraw the provider's keys."""


@keys.command("list")
@as_json
@pass_program
def list_(program: Program, json_: bool) -> None:
    """List the keys with their state: next, active, retired."""
    with program.reading() as uow:
        found = uow.signing_keys.list()
    rows = [
        {
            "kid": key.kid,
            "alg": key.alg,
            "state": state_of(key),
            "created": instant(key.created_at),
            "activated": instant(key.activated_at),
            "retired": instant(key.retired_at),
            "published_until": instant(key.remove_at),
        }
        for key in found
    ]
    show_rows(rows, json_, "There are no keys yet; they are made at the first start of the provider.")


@keys.command()
@click.option(
    "--alg",
    type=click.Choice([*ALGORITHMS, *KEY_MANAGEMENT]),
    default=DEFAULT_ALGORITHM,
    show_default=True,
    help="Which algorithm's key.",
)
@pass_program
def rotate(program: Program, alg: str) -> None:
    """Let the next key serve from now on. Running instances follow within a second; old tokens still verify."""
    used = (*program.settings.keys.algorithms, *program.settings.keys.decryption_algorithms)
    if alg not in used:
        raise Failure(f"There are no keys for {alg}.", next_step=f"one of: {', '.join(used)}")
    changes = program.key_life_cycle.rotate(program.now, alg)
    for change in changes:
        click.echo(f"{change.action.ljust(9)}  {change.kid}  {change.alg}")
    if not changes:
        click.echo("Another instance rotated at the same moment; nothing was left to do.")


# A kid is base64url and may begin with a dash, which is not meant as an option.
@keys.command(context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]})
@click.argument("kid")
@pass_program
def withdraw(program: Program, kid: str) -> None:
    """Remove a next or retired key at once, after a compromise: what it signed is worthless within a second."""
    try:
        changes = program.key_life_cycle.withdraw(kid, program.now)
    except KeyInUse:
        raise Failure("That key signs now.", next_step="idp keys rotate, then withdraw it") from None
    if not changes:
        raise Failure(f"There is no key {kid!r}.", next_step="idp keys list")
    click.echo("Withdrawn; whoever cached the JWKS believes it for as long as its max-age.")
