"""Templates to HTML: autoescaped, strict about names, compiled once. jinja2 is used here alone."""

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from idp.languages import LANGUAGES, direction_of
from idp.web.moments import in_words
from idp.web.translations import install, speaking
from idp.web.views import View


class Renderer:
    """Renders views. `base_path` is the issuer's path, under which the static files are."""

    def __init__(self, product_name: str, *, development: bool, base_path: str = "") -> None:
        self._templates = _compile_templates(product_name, development, base_path)

    def render(self, view: View, *, request_id: str, locale: str = "en", switch_url: str | None = None) -> str:
        """Return the page in a language. `switch_url` is where another one is chosen, None for a page that cannot be
        shown again. Raises when a template asks for something that its view does not have."""
        with speaking(locale):
            return self._templates[view.template].render(
                view=view, request_id=request_id, lang=locale, dir=direction_of(locale), switch_url=switch_url
            )


@lru_cache(maxsize=8)
def _compile_templates(product_name: str, development: bool, base_path: str) -> Mapping[str, Template]:
    """Return all templates by name: all now, so that one with a fault stops the start, not a person's sign-in."""
    environment = Environment(
        loader=PackageLoader("idp.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        extensions=["jinja2.ext.i18n"],
    )
    install(environment)
    environment.filters["in_words"] = in_words
    static = files("idp.web").joinpath("static")
    urls = {file.name: _versioned(base_path, file.name, file.read_bytes()) for file in static.iterdir()}
    environment.globals |= {
        "product_name": product_name,
        "development": development,
        "static": urls,
        "languages": LANGUAGES,
    }
    return {name: environment.get_template(name) for name in environment.list_templates()}


def _versioned(base_path: str, name: str, content: bytes) -> str:
    """Return a static file's URL, which changes with its content, so that browsers may keep it for ever."""
    return f"{base_path}/static/{name}?v={hashlib.sha256(content).hexdigest()[:8]}"
