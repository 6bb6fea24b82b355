"""What commands print: tables for people, JSON for programs."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import click

as_json = click.option("--json", "json_", is_flag=True, help="Print JSON.")


def show_rows(rows: Sequence[Mapping[str, Any]], json_: bool, empty: str) -> None:
    """Print rows as JSON or as a table with a head; `empty` is said when there are none."""
    if json_:
        show_json(rows)
    elif rows:
        _show_table([list(rows[0]), *([cell(value) for value in row.values()] for row in rows)])
    else:
        click.echo(empty)


def show_one(values: Mapping[str, Any], json_: bool) -> None:
    """Print one thing."""
    if json_:
        show_json(values)
        return
    width = max(len(name) for name in values)
    for name, value in values.items():
        click.echo(f"{name.ljust(width)}  {cell(value)}")


def show_json(value: Any) -> None:
    """Print a value for programs."""
    click.echo(json.dumps(value, indent=2))


def instant(at: int | None) -> str | None:
    """Return an instant in ISO 8601, UTC."""
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z") if at is not None else None


def cell(value: Any) -> str:
    """Return a value as it stands in a table. What others chose, such as names, cannot move a terminal's cursor."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        value = ", ".join(str(item) for item in value)
    text = "" if value is None else str(value)
    return "".join(c if c.isprintable() else "?" for c in text) or "-"


def _show_table(table: list[list[str]]) -> None:
    widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
    for number, line in enumerate(table):
        text = "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        click.echo(click.style(text, bold=True) if number == 0 else text)
