"""`python docs/screenshots.py`: take the pictures of the README from a running demo."""

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.demo import chromium, running_demo  # noqa: E402 - the path comes first

IMAGES = ROOT / "docs" / "images"


def main() -> None:
    """Sign in to the Shop and take a picture on the way and at the end."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, running_demo(Path(folder) / "demo") as demo, chromium() as browser:
        page = browser.new_page(viewport={"width": 760, "height": 900}, color_scheme="light")
        page.goto(f"{demo.shop}/login")
        page.screenshot(path=IMAGES / "sign-in.png")
        demo.sign_in(page)
        page.goto(f"{demo.shop}/token")
        page.set_viewport_size({"width": 1100, "height": 1300})
        page.screenshot(path=IMAGES / "verification.png")


if __name__ == "__main__":
    main()
