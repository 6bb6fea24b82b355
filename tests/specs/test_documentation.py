"""docs/specs.md is what the registry and the marks say, and every module is named as its specification."""

import importlib.util
from pathlib import Path

import pytest

from idp.specs import SPECS

ROOT = Path(__file__).resolve().parent.parent.parent


def test_page_is_current() -> None:
    """The committed page is the generated one."""
    spec = importlib.util.spec_from_file_location("generate_specs", ROOT / "docs" / "generate_specs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (ROOT / "docs" / "specs.md").read_text("utf-8") == module.render(), "run: python docs/generate_specs.py"


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: str(spec.name))
def test_module_is_named_as_its_specification(spec: object) -> None:
    """A reader finds a specification by its name."""
    assert (ROOT / "idp" / "specs" / f"{getattr(spec, 'name', '')}.py").is_file()
