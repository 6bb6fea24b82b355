"""Templates to HTML: autoescaped, strict about names, compiled once. jinja2 is used here alone."""

import gettext
import hashlib
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from idp.web.views import View

# Languages written from right to left (CLDR characterOrder); their catalogues come with the translations.
RIGHT_TO_LEFT = frozenset({"ar", "ckb", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"})


class Renderer:
    """Renders views. `base_path` is the issuer's path, under which the static files are."""

    def __init__(self, product_name: str, *, development: bool, base_path: str = "") -> None:
        self._templates = _compile_templates(product_name, development, base_path)

    def render(self, view: View, *, request_id: str, locale: str = "en") -> str:
        """Return the page. Raises when a template asks for something that its view does not have."""
        direction = "rtl" if locale.partition("-")[0].lower() in RIGHT_TO_LEFT else "ltr"
        return self._templates[view.template].render(view=view, request_id=request_id, lang=locale, dir=direction)


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
    environment.install_gettext_translations(gettext.NullTranslations(), newstyle=True)  # type: ignore[attr-defined]
    static = files("idp.web").joinpath("static")
    urls = {file.name: _versioned(base_path, file.name, file.read_bytes()) for file in static.iterdir()}
    environment.globals |= {"product_name": product_name, "development": development, "static": urls}
    return {name: environment.get_template(name) for name in environment.list_templates()}


def _versioned(base_path: str, name: str, content: bytes) -> str:
    """Return a static file's URL, which changes with its content, so that browsers may keep it for ever."""
    return f"{base_path}/static/{name}?v={hashlib.sha256(content).hexdigest()[:8]}"
