"""`idp theme`: templates that stand in for the pages' own."""

from pathlib import Path

import click

from idp.cli.failures import WrongUse
from idp.cli.opening import Program, pass_program


@click.group()
def theme() -> None:
    """Change the templates of the pages."""


@theme.command()
@click.argument("name")
@pass_program
def copy(program: Program, name: str) -> None:
    """Copy the page's template NAME, such as sign_in.html, into theme.templates, to be changed there."""
    from idp.web.theming import original_of

    folder = _folder(program)
    target = folder / name
    text = original_of(name)
    if text is None:
        raise WrongUse(f"There is no template {name!r}.", next_step="idp theme list, for those that there are")
    if target.exists():
        raise WrongUse(f"{target} is there already.", next_step="change that one, or move it away")
    target.write_text(text, "utf-8")
    target.chmod(0o644)
    click.echo(target)


@theme.command("list")
@pass_program
def list_(program: Program) -> None:
    """List the templates, and which of them are changed here. Exit with 1 if any of those is outdated."""
    from idp.web.theming import original_names, outdated, overrides, theme_of

    theme = theme_of(program.settings)
    changed, old = overrides(theme), outdated(theme)
    for name in original_names():
        state = "" if name not in changed else " changed, and OUTDATED: compare it anew" if name in old else " changed"
        click.echo(f"{name}{state}")
    if old:
        raise SystemExit(1)


def _folder(program: Program) -> Path:
    folder = program.settings.theme.templates
    if folder is None:
        raise WrongUse("No directory of templates is set.", next_step='theme.templates = "templates"   # in idp.toml')
    return folder
