"""`idp mail`: what is on its way to account owners."""

from typing import Any

import click

from idp.accounts.mails import NO_CLIENT
from idp.cli.opening import Program, pass_program
from idp.cli.output import as_json, instant, show_rows
from idp.stores.records import OutboxMessage


@click.group()
def mail() -> None:
    """See the mails to account owners."""


@mail.command("list")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 10_000), help="How many.")
@as_json
@pass_program
def list_(program: Program, limit: int, json_: bool) -> None:
    """List the newest mails: what became of each, and when one is tried again."""
    with program.reading() as uow:
        found = uow.outbox.list(client_id=NO_CLIENT, limit=limit)
    show_rows([_row(message) for message in found], json_, "There are no mails.")


def _row(message: OutboxMessage) -> dict[str, Any]:
    is_open = message.delivered_at is None and message.failed_at is None
    state = "waits" if is_open else "done" if message.failed_at is None else "given up"
    return {
        "written": instant(message.created_at),
        "kind": message.payload.get("template"),
        # A request for a new password names nobody before it is looked up, and then the audit does.
        "to": message.destination or None,
        "state": state,
        "attempts": message.attempts,
        "again": instant(message.next_attempt_at) if is_open else None,
        "result": message.last_result,
    }
