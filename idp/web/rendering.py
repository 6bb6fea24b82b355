"""Templates to HTML: autoescaped, strict about names, each compiled when it is first shown. jinja2 is used here, by
themes and by mails.

Ours are all rendered by the tests; those of a theme, which nobody tested, are compiled at the start.
"""

import hashlib
import logging
from functools import lru_cache
from importlib.resources import files
from typing import Any

from jinja2 import BaseLoader, Environment, PackageLoader, StrictUndefined, TemplateSyntaxError

from idp.languages import LANGUAGES, direction_of
from idp.web.moments import in_words
from idp.web.theming import Theme, UnusableTheme, loader_of, overrides
from idp.web.translations import install, speaking
from idp.web.views import View

log = logging.getLogger("idp.web")


class Renderer:
    """Renders views. `base_path` is the issuer's path, under which the static files are."""

    def __init__(
        self, product_name: str, *, development: bool, base_path: str = "", theme: Theme | None = None
    ) -> None:
        """Raises `UnusableTheme`."""
        theme = theme or Theme()
        self._ours = _ours(product_name, development, base_path, theme)
        self._themed = _themed(theme, self._ours) if overrides(theme) else None

    def render(self, view: View, *, request_id: str, locale: str = "en", switch_url: str | None = None) -> str:
        """Return the page in a language. `switch_url` is where another one is chosen, None for a page that cannot be
        shown again. Raises when a template of ours asks for something that its view does not have; one of the theme
        gives way to ours then."""
        values: dict[str, Any] = {
            "view": view,
            "request_id": request_id,
            "lang": locale,
            "dir": direction_of(locale),
            "switch_url": switch_url,
        }
        with speaking(locale):
            if self._themed is not None:
                try:
                    return self._themed.get_template(view.template).render(values)
                except Exception:
                    # Whatever it is: people have to be able to sign in.
                    log.exception("theme template failed", extra={"template": view.template})
            return self._ours.get_template(view.template).render(values)


@lru_cache(maxsize=8)
def _ours(product_name: str, development: bool, base_path: str, theme: Theme) -> Environment:
    """Return where our own templates are."""
    environment = _environment(PackageLoader("idp.web"))
    environment.globals |= {"product_name": product_name, "development": development, "logo": theme.logo}
    environment.globals |= {"static": _addresses(base_path, theme), "languages": LANGUAGES, "links": theme.links}
    return environment


def _themed(theme: Theme, ours: Environment) -> Environment:
    """Return where the theme's templates are, and ours in place of those that it does not have. Raises
    `UnusableTheme`."""
    environment = _environment(loader_of(theme))
    environment.globals |= ours.globals
    try:
        for name in overrides(theme):
            environment.get_template(name)
    except TemplateSyntaxError as fault:
        raise UnusableTheme(f"{fault.filename}, line {fault.lineno}: {fault.message}") from fault
    return environment


def _environment(loader: BaseLoader) -> Environment:
    environment = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        extensions=["jinja2.ext.i18n"],
    )
    install(environment)
    environment.filters["in_words"] = in_words
    return environment


def _addresses(base_path: str, theme: Theme) -> dict[str, str]:
    static = files("idp.web").joinpath("static")
    content = {file.name: file.read_bytes() for file in static.iterdir()}
    content |= {file.name: file.content for file in theme.files}
    return {name: _versioned(base_path, name, each) for name, each in content.items()}


def _versioned(base_path: str, name: str, content: bytes) -> str:
    """Return a static file's URL, which changes with its content, so that browsers may keep it for ever."""
    return f"{base_path}/static/{name}?v={hashlib.sha256(content).hexdigest()[:8]}"
