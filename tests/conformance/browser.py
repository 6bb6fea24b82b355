"""A Chromium that reaches the suite and the provider alone, and gives each module fresh cookies."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, BrowserContext, sync_playwright

from tests.conformance.surroundings import Surroundings
from tests.demo import CHROMIUM_FLAGS

_WINDOW = {"width": 1024, "height": 768}
# The longest that any single step in a page may take.
_STEP_MILLISECONDS = 15_000


@contextmanager
def running_browser(surroundings: Surroundings) -> Iterator[Browser]:
    """A headless Chromium; the suite's pages name style sheets elsewhere, which it must not wait for."""
    reachable = ", ".join(f"EXCLUDE {name}" for name in surroundings.host_names)
    flags = [*CHROMIUM_FLAGS, f"--host-resolver-rules=MAP * ~NOTFOUND, {reachable}"]
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        yield browser
        browser.close()


@contextmanager
def fresh_context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser without cookies, for one module."""
    context = browser.new_context(ignore_https_errors=True, viewport=_WINDOW, locale="en-GB")  # type: ignore[arg-type]
    context.set_default_timeout(_STEP_MILLISECONDS)
    yield context
    context.close()
