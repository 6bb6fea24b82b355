"""What commands print: tables for people, JSON for programs."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

as_json = click.option("--json", "json_", is_flag=True, help="Print JSON.")


def show_rows(rows: Sequence[Mapping[str, Any]], json_: bool, empty: str) -> None:
    """Print rows as JSON or as a table with a head; `empty` is said when there are none."""
    if json_:
        click.echo(json.dumps(list(rows), indent=2))
        return
    if not rows:
        click.echo(empty)
        return
    table = [list(rows[0])] + [[_cell(value) for value in row.values()] for row in rows]
    widths = [max(len(line[i]) for line in table) for i in range(len(table[0]))]
    for number, line in enumerate(table):
        text = "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        click.echo(click.style(text, bold=True) if number == 0 else text)


def show_one(values: Mapping[str, Any], json_: bool) -> None:
    """Print one thing."""
    if json_:
        click.echo(json.dumps(dict(values), indent=2))
        return
    width = max(len(name) for name in values)
    for name, value in values.items():
        click.echo(f"{name.ljust(width)}  {_cell(value)}")


def instant(at: int | None) -> str | None:
    """Return an instant in ISO 8601, UTC."""
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z") if at is not None else None


def _cell(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value) or "-"
    return "-" if value in (None, "") else str(value)


def secret_options(what: str) -> Callable[[Any], Any]:
    """Return the options by which a secret comes in: never as an argument, which others on the machine can see."""

    def add(command: Any) -> Any:
        from_stdin = click.option(f"--{what}-stdin", "from_stdin", is_flag=True, help=f"Read the {what} from stdin.")
        from_file = click.option(
            f"--{what}-file",
            "from_file",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help=f"Read the {what} from a file.",
        )
        return from_stdin(from_file(command))

    return add


def read_secret(what: str, from_stdin: bool, from_file: Path | None) -> str:
    """Return a secret from stdin, a file, or a prompt. Raises click.UsageError when there is no way to ask."""
    if from_stdin:
        secret = sys.stdin.readline().rstrip("\r\n")
    elif from_file is not None:
        secret = from_file.read_text("utf-8").splitlines()[0] if from_file.stat().st_size else ""
    elif sys.stdin.isatty():
        secret = click.prompt(what.capitalize(), hide_input=True, confirmation_prompt=True)
    else:
        raise click.UsageError(f"There is no terminal to ask on: use --{what}-stdin or --{what}-file.")
    if not secret:
        raise click.UsageError(f"The {what} is empty.")
    return secret
